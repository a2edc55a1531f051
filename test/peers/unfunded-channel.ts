import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { z } from "zod";
import type { LndNode } from "./lnd-node.ts";
import { waitFor } from "./wait-for.ts";

const psbtFundSchema = z.object({
  result: z.object({
    psbt_fund: z.object({ funding_address: z.string(), funding_amount: z.string() }),
  }),
});

/**
 * Opens a channel whose funding transaction nobody signs or publishes (lnd's
 * `no_publish` and `skip_finalize`): it stays pending, until the peer gives up after 2,016 blocks. The
 * nodes must be connected. Uses REST, because `lncli` asks at a terminal. Returns its channel point when both
 * have it.
 */
export async function openUnfundedChannel(
  from: LndNode,
  to: LndNode,
  { sat }: { readonly sat: number },
): Promise<string> {
  const before = new Set(await to.channelPoints());
  const pendingId = randomBytes(32).toString("base64");
  await using opening = await firstAnswer(from, "/v1/channels/stream", {
    node_pubkey: Buffer.from(to.pubkey, "hex").toString("base64"),
    local_funding_amount: String(sat),
    funding_shim: { psbt_shim: { pending_chan_id: pendingId, no_publish: true } },
  });
  const { psbt_fund: fund } = psbtFundSchema.parse(opening.answer).result;
  const { psbt } = await from.query(
    z.object({ psbt: z.string() }),
    ...["wallet", "psbt", "fund", "--sat_per_vbyte=5"],
    `--outputs={"${fund.funding_address}":${fund.funding_amount}}`,
  );
  const verify = { pending_chan_id: pendingId, funded_psbt: psbt, skip_finalize: true };
  await using _verified = await firstAnswer(from, "/v1/funding/step", { psbt_verify: verify });
  return waitFor(
    `${to.name} to have the channel`,
    async () => (await to.channelPoints()).find((point) => !before.has(point)),
    { timeoutMs: 30_000 },
  );
}

/** Posts, and returns the first line of the answer; disposing it closes the connection. */
async function firstAnswer(
  node: LndNode,
  path: string,
  body: object,
): Promise<AsyncDisposable & { readonly answer: unknown }> {
  const ca = await readFile(node.tlsCertPath);
  const macaroon = (await readFile(node.adminMacaroonPath)).toString("hex");
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const call = request(
    `https://${node.restHost}${path}`,
    { ca, method: "POST", agent: false, headers: { "grpc-metadata-macaroon": macaroon } },
    (response) => {
      let text = "";
      response.on("error", reject);
      response.on("data", (chunk: Buffer) => {
        text += chunk.toString();
        if (text.includes("\n")) resolve(text);
      });
      response.on("end", () => resolve(text));
    },
  );
  call.on("error", reject);
  call.setTimeout(60_000, () => call.destroy(new Error(`${path}: no answer from lnd's REST`)));
  call.end(JSON.stringify(body));
  const [answer = ""] = (await promise).split("\n");
  return {
    answer: JSON.parse(answer),
    async [Symbol.asyncDispose]() {
      call.destroy();
    },
  };
}
