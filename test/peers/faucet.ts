import { secp256k1 } from "@noble/curves/secp256k1.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import type { Btcd } from "./btcd.ts";

const minerKey = sha256(utf8ToBytes("scb-mirror simnet miner"));
const minerPubKey = secp256k1.getPublicKey(minerKey, true);
/** HASH160 of `minerPubKey`. */
const minerKeyHash = hexToBytes("ebe75b66cfcc680dc8d2c481fa14333d1e4bfce0");
/**
 * The simnet P2PKH address of `minerKeyHash`. Blocks pay to a key of our own, so that they never
 * change the balance of a node, and btcd needn't be restarted with an address of a wallet.
 */
export const minerAddress = "SioLytckTiTemYpEx2zJt1veR4rsvvxfvB";

const subsidyBtc = 50;
const feeBtc = 0.001;

/**
 * Sends `amountBtc` to each address out of the coinbase of the block at `height`, which must be
 * 100 blocks deep. One block pays for four nodes.
 */
export async function fund(
  btcd: Btcd,
  addresses: readonly string[],
  amountBtc: number,
  height: number,
): Promise<void> {
  const block: unknown = JSON.parse(
    await btcd.ctl("getblock", await btcd.ctl("getblockhash", String(height)), "1"),
  );
  const inputs = JSON.stringify([{ txid: coinbaseId(block), vout: 0 }]);
  const outputs: Record<string, number> = Object.fromEntries(
    addresses.map((address) => [address, amountBtc]),
  );
  outputs[minerAddress] = Number((subsidyBtc - feeBtc - addresses.length * amountBtc).toFixed(8));
  const unsigned = await btcd.ctl("createrawtransaction", inputs, JSON.stringify(outputs));
  await btcd.ctl("sendrawtransaction", bytesToHex(signOnlyInput(hexToBytes(unsigned))));
}

function coinbaseId(block: unknown): string {
  if (typeof block === "object" && block !== null && "tx" in block && Array.isArray(block.tx)) {
    return String(block.tx[0]);
  }
  throw new Error("getblock: no transactions in the answer");
}

// version 4, input count 1, txid 32, index 4: then the length of the only input's script.
const scriptOffset = 41;
const sighashAll = 1;

/** Signs the only input of a transaction, which spends a P2PKH output of the miner's. */
function signOnlyInput(unsigned: Uint8Array): Uint8Array {
  const withScript = (script: Uint8Array): Uint8Array =>
    concatBytes(
      unsigned.subarray(0, scriptOffset),
      Uint8Array.of(script.length),
      script,
      unsigned.subarray(scriptOffset + 1),
    );
  // OP_DUP OP_HASH160 <hash> OP_EQUALVERIFY OP_CHECKSIG
  const spent = concatBytes(hexToBytes("76a914"), minerKeyHash, hexToBytes("88ac"));
  const hash = sha256(sha256(concatBytes(withScript(spent), Uint8Array.of(sighashAll, 0, 0, 0))));
  const signature = secp256k1.sign(hash, minerKey, { prehash: false, format: "der" });
  return withScript(
    concatBytes(push(concatBytes(signature, Uint8Array.of(sighashAll))), push(minerPubKey)),
  );
}

function push(bytes: Uint8Array): Uint8Array {
  return concatBytes(Uint8Array.of(bytes.length), bytes);
}
