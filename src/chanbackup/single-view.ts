import type { NetAddress } from "../wire/net-address.ts";
import type { OutPoint } from "../wire/out-point.ts";
import type { ShortChannelID } from "../wire/short-channel-id.ts";
import type {
  CloseTxInputs,
  LocalChannelConfig,
  RemoteChannelConfig,
  ShaChainRootDesc,
  Single,
  SingleVersion,
} from "./single.ts";
import { closeTxBit, readSingleField, type SingleBody, serializeSingle } from "./single-codec.ts";

/**
 * A Single that stays in the bytes that it was read from: a field is read each time that it is asked
 * for, and is the asker's own. As an object with all its fields, it would take four times as much
 * memory as its bytes; and what was not changed is written back by copying.
 */
export class SingleView implements Single {
  readonly version: SingleVersion;
  readonly #plaintext: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  /**
   * `plaintext` holds, from `start` to `end`, what `singleCodec` has written for a Single of this
   * version. It is shared by the Singles of one Multi; nobody else may change it.
   */
  constructor(version: SingleVersion, plaintext: Uint8Array, start: number, end: number) {
    this.version = version;
    this.#plaintext = plaintext;
    this.#start = start;
    this.#end = end;
  }

  /** The Single as it is now: what its owner does to it later changes nothing. Throws "encode". */
  static of(single: Single): SingleView {
    if (single instanceof SingleView) return single;
    const plaintext = serializeSingle(single).slice();
    return new SingleView(single.version, plaintext, 0, plaintext.length);
  }

  /** All that `singleCodec` writes of it. To be read only. */
  get plaintext(): Uint8Array {
    return this.#plaintext.subarray(this.#start, this.#end);
  }

  /** Without reading them. */
  get hasCloseTxInputs(): boolean {
    return ((this.#plaintext[this.#start] ?? 0) & closeTxBit) !== 0;
  }

  get isInitiator(): boolean {
    return this.#read("isInitiator");
  }

  get chainHash(): Uint8Array {
    return this.#read("chainHash");
  }

  get fundingOutpoint(): OutPoint {
    return this.#read("fundingOutpoint");
  }

  get shortChannelId(): ShortChannelID {
    return this.#read("shortChannelId");
  }

  get remoteNodePub(): Uint8Array {
    return this.#read("remoteNodePub");
  }

  get addresses(): readonly NetAddress[] {
    return this.#read("addresses");
  }

  get capacitySat(): number {
    return this.#read("capacitySat");
  }

  get localChanCfg(): LocalChannelConfig {
    return this.#read("localChanCfg");
  }

  get remoteChanCfg(): RemoteChannelConfig {
    return this.#read("remoteChanCfg");
  }

  get shaChainRootDesc(): ShaChainRootDesc {
    return this.#read("shaChainRootDesc");
  }

  get leaseExpiry(): number | undefined {
    return this.#read("leaseExpiry");
  }

  get closeTxInputs(): CloseTxInputs | undefined {
    return this.#read("closeTxInputs");
  }

  #read<K extends keyof SingleBody>(name: K): SingleBody[K] {
    return readSingleField(this.plaintext, name);
  }
}
