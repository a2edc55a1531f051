import { readFile } from "node:fs/promises";
import { createClient } from "@connectrpc/connect";
import { createGrpcTransport, Http2SessionManager } from "@connectrpc/connect-node";
import { Lightning } from "../../src/node/lnd/gen/lnrpc_pb.ts";
import type { LndNode } from "../peers/lnd-node.ts";

/** One message of lnd's stream of channel backups. */
export interface HeardBackup {
  readonly packed: Uint8Array;
  /** Milliseconds since 1970. */
  readonly atMs: number;
}

/** Subscribes to lnd's stream of channel backups, as any client can, until the session is aborted. */
export async function hearBackups(
  node: LndNode,
  session: Http2SessionManager,
  hear: (heard: HeardBackup) => void,
): Promise<void> {
  const baseUrl = session.authority;
  const client = createClient(Lightning, createGrpcTransport({ baseUrl, sessionManager: session }));
  const macaroon = (await readFile(node.adminMacaroonPath)).toString("hex");
  try {
    for await (const { multiChanBackup } of client.subscribeChannelBackups(
      {},
      { headers: { macaroon } },
    )) {
      const packed = multiChanBackup?.multiChanBackup ?? new Uint8Array();
      hear({ packed, atMs: Date.now() });
    }
  } catch (error) {
    if (session.state() !== "closed") throw error;
  }
}

export async function sessionWith(node: LndNode): Promise<Http2SessionManager> {
  const ca = await readFile(node.tlsCertPath);
  return new Http2SessionManager(`https://${node.rpcserver}`, undefined, { ca });
}
