/**
 * A node that is no lnd, here one that tells of its channels as LDK does, keeps its channel backup in a
 * store: `node ldk-node.ts file:///mnt/usb/scb/store`.
 */
import { EventEmitter, once } from "node:events";
import process from "node:process";
import { type ChannelWithAddrs, openOffsiteSwapper, PushNotifier, SubSwapper } from "scb-mirror";
import { channelTypeBits, parseNetAddress, parseOutPoint } from "scb-mirror/backup";
import { backupKeyEncrypter, keyFamilies } from "scb-mirror/keys";

/** What such a node says of a channel. */
interface ChannelDetails {
  readonly fundingTxo: string;
  readonly counterparty: { readonly nodeId: string; readonly address: string };
  readonly channelValueSat: number;
  readonly isOutbound: boolean;
  readonly confirmedAtHeight: number;
  readonly keysId: number;
  readonly counterpartyPubkeys: Readonly<
    Record<"funding" | "revocation" | "payment" | "delayed" | "htlc", string>
  >;
}

/** Events: "channelReady" with its details, "channelResolved" with its funding output. */
class LdkLikeNode extends EventEmitter<{
  channelReady: [ChannelDetails];
  channelResolved: [string];
}> {
  readonly #channels = new Map<string, ChannelDetails>();

  listChannels(): readonly ChannelDetails[] {
    return [...this.#channels.values()];
  }

  open(details: ChannelDetails): void {
    this.#channels.set(details.fundingTxo, details);
    this.emit("channelReady", details);
  }

  /** Closed, and all of its funds are back in the wallet. */
  resolve(fundingTxo: string): void {
    this.#channels.delete(fundingTxo);
    this.emit("channelResolved", fundingTxo);
  }
}

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, "hex"));
const noId = { blockHeight: 0, txIndex: 0, txPosition: 0 };
const regtest = "06226e46111a0b59caaf126043eb5bbf28c34f3a5e332a1fc7b2b73cf188910f";

function toChannel(details: ChannelDetails): ChannelWithAddrs {
  const { counterparty, counterpartyPubkeys: keys, keysId, confirmedAtHeight } = details;
  const own = (family: number) => ({ family, index: keysId });
  return {
    chanType:
      channelTypeBits.singleFunderTweakless |
      channelTypeBits.anchorOutputs |
      channelTypeBits.zeroHtlcTxFee,
    isInitiator: details.isOutbound,
    chainHash: bytes(regtest),
    fundingOutpoint: parseOutPoint(details.fundingTxo),
    shortChannelId: noId,
    confirmedScid: null,
    fundingBroadcastHeight: confirmedAtHeight,
    identityPub: bytes(counterparty.nodeId),
    addrs: [parseNetAddress(counterparty.address)],
    capacitySat: details.channelValueSat,
    localChanCfg: {
      csvDelay: 144,
      multiSigKey: own(keyFamilies.multiSig),
      revocationBasePoint: own(keyFamilies.revocationBase),
      paymentBasePoint: own(keyFamilies.paymentBase),
      delayBasePoint: own(keyFamilies.delayBase),
      htlcBasePoint: own(keyFamilies.htlcBase),
    },
    remoteChanCfg: {
      csvDelay: 144,
      multiSigKey: bytes(keys.funding),
      revocationBasePoint: bytes(keys.revocation),
      paymentBasePoint: bytes(keys.payment),
      delayBasePoint: bytes(keys.delayed),
      htlcBasePoint: bytes(keys.htlc),
    },
    thawHeight: 0,
    revocationKeyLocator: own(keyFamilies.revocationRoot),
    revocationProducer: null,
    // Without it the peer is asked to force close after a restore, as with any old backup.
    localCommitment: { commitTx: null, commitSig: new Uint8Array(), commitHeight: 0n },
    tapscriptRoot: null,
  };
}

const node = new LdkLikeNode();
const notifier = new PushNotifier();
for (const details of node.listChannels()) notifier.opened(toChannel(details));
node.on("channelReady", (details) => notifier.opened(toChannel(details)));
node.on("channelResolved", (fundingTxo) => notifier.closed(fundingTxo));

// A real node derives 32 bytes from its seed, and never shows them: they read every backup.
const encrypter = backupKeyEncrypter(Buffer.alloc(32, 7));
const to = process.argv[2] ?? "file:///tmp/scb-example-store";
await using swapper = await openOffsiteSwapper({ to, node: "ldk", encrypter });
const saved = new EventEmitter();
await using subSwapper = new SubSwapper({
  startingChans: [],
  notifier,
  encrypter,
  swapper,
  observer(event) {
    if (event.kind === "retrying" || event.kind === "refused") console.error(event.error.message);
    if (event.kind === "swapped" || event.kind === "unchanged") saved.emit("saved", event.channels);
  },
});
subSwapper.start();
await subSwapper.ready;

// The node's life: two channels open, one closes.
const [key, otherKey] = [
  "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798",
  "02c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5",
];
const detailsOf = (digit: string, address: string): ChannelDetails => ({
  fundingTxo: `${digit.repeat(64)}:0`,
  counterparty: { nodeId: key, address },
  channelValueSat: 1_000_000,
  isOutbound: true,
  confirmedAtHeight: 120,
  keysId: Number(digit),
  counterpartyPubkeys: {
    funding: key,
    revocation: otherKey,
    payment: key,
    delayed: otherKey,
    htlc: key,
  },
});
const life = [
  () => node.open(detailsOf("1", "198.51.100.7:9735")),
  () => node.open(detailsOf("2", "[2001:db8::7]:9735")),
  () => node.resolve(`${"1".repeat(64)}:0`),
];
for (const happens of life) {
  const isSavedNext = once(saved, "saved");
  happens();
  const [channels] = await isSavedNext;
  console.log(`saved: ${channels} channels, sequence ${swapper.lastCommit?.sequence}`);
}
const isSaved = await subSwapper.stop({ graceMs: 10_000 });
console.log(isSaved ? "everything is saved" : "something is not saved");
process.exitCode = isSaved ? 0 : 1;
