import assert from "node:assert/strict";
import { z } from "zod";
import type { Btcd } from "../peers/btcd.ts";
import type { LndNode } from "../peers/lnd-node.ts";

const rawSchema = z.object({
  txid: z.string(),
  vin: z.array(z.object({ txid: z.string().optional(), vout: z.number().optional() })),
  vout: z.array(z.object({ value: z.number(), n: z.number() })),
});
type RawTx = z.infer<typeof rawSchema>;

const walletTxSchema = z.object({
  transactions: z.array(z.object({ tx_hash: z.string(), block_height: z.number() })),
});

/** The funds that one node's channels returned, read from the transactions on the chain. In satoshis. */
export interface Homecoming {
  /** The amount that each channel's closing transaction paid to the node, by channel point. */
  readonly paidOut: ReadonlyMap<string, number>;
  /** The fees of the transactions that swept it into the wallet. */
  readonly feesSat: number;
}

/**
 * Follows the money: from each channel's funding output to the transaction that spends it, and from
 * there to the transactions of `node`'s wallet, mined from `fromHeight` on. Fails if one of them
 * spends anything else.
 */
export async function followHome(
  btcd: Btcd,
  node: LndNode,
  channelPoints: readonly string[],
  fromHeight: number,
): Promise<Homecoming> {
  const closings = await closingTransactions(btcd, channelPoints, fromHeight);
  const { transactions } = await node.query(walletTxSchema, "listchaintxns");
  const paidOut = new Map<string, number>();
  let feesSat = 0;
  for (const { tx_hash, block_height } of transactions) {
    if (block_height < fromHeight) continue;
    const sweep = await transaction(btcd, tx_hash);
    let inSat = 0;
    for (const { txid, vout } of sweep.vin) {
      const closing = closings.get(txid ?? "");
      assert.ok(closing !== undefined, `${tx_hash} spends ${txid}, which closes no channel`);
      const sat = satOf(closing.tx, vout ?? -1);
      paidOut.set(closing.channelPoint, (paidOut.get(closing.channelPoint) ?? 0) + sat);
      inSat += sat;
    }
    feesSat += inSat - sweep.vout.reduce((sum, { n }) => sum + satOf(sweep, n), 0);
  }
  return { paidOut, feesSat };
}

/** The transactions, by id, in later blocks that spend the channels' funding outputs. */
async function closingTransactions(
  btcd: Btcd,
  channelPoints: readonly string[],
  fromHeight: number,
): Promise<ReadonlyMap<string, { readonly channelPoint: string; readonly tx: RawTx }>> {
  const found = new Map<string, { channelPoint: string; tx: RawTx }>();
  const blockSchema = z.object({ tx: z.array(z.string()) });
  const height = await btcd.height();
  for (let at = fromHeight; at <= height; at += 1) {
    const hash = await btcd.ctl("getblockhash", String(at));
    const { tx: ids } = blockSchema.parse(JSON.parse(await btcd.ctl("getblock", hash, "1")));
    for (const id of ids.slice(1)) {
      const tx = await transaction(btcd, id);
      const spent = tx.vin.map(({ txid, vout }) => `${txid}:${vout}`);
      const channelPoint = channelPoints.find((point) => spent.includes(point));
      if (channelPoint !== undefined) found.set(id, { channelPoint, tx });
    }
  }
  return found;
}

async function transaction(btcd: Btcd, txid: string): Promise<RawTx> {
  return rawSchema.parse(JSON.parse(await btcd.ctl("getrawtransaction", txid, "1")));
}

function satOf(tx: RawTx, index: number): number {
  const output = tx.vout.find(({ n }) => n === index);
  assert.ok(output !== undefined, `${tx.txid} has no output ${index}`);
  return Math.round(output.value * 1e8);
}
