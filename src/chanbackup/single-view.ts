import { inspect } from "node:util";
import type { NetAddress } from "../wire/net-address.ts";
import type { OutPoint } from "../wire/out-point.ts";
import type { ShortChannelID } from "../wire/short-channel-id.ts";
import { type InspectedChannel, inspectSingle } from "./inspected-channel.ts";
import {
  type CloseTxInputs,
  type LocalChannelConfig,
  type RemoteChannelConfig,
  type ShaChainRootDesc,
  type Single,
  type SingleVersion,
  singleVersions,
} from "./single.ts";
import { closeTxBit, readSingleField, type SingleBody, serializeSingle } from "./single-codec.ts";

/**
 * A Single that stays in the bytes it was read from. Every access to a field parses it and returns a
 * fresh value. An object with all fields would take four times the memory of its bytes, and an unchanged
 * Single is written back by copying.
 *
 * Each field is an own, enumerable property, so that comparing, spreading and cloning see all of them, as
 * in a plain object.
 */
export class SingleView implements Single {
  readonly version: SingleVersion;
  declare readonly isInitiator: boolean;
  declare readonly chainHash: Uint8Array;
  declare readonly fundingOutpoint: OutPoint;
  declare readonly shortChannelId: ShortChannelID;
  declare readonly remoteNodePub: Uint8Array;
  declare readonly addresses: readonly NetAddress[];
  declare readonly capacitySat: number;
  declare readonly localChanCfg: LocalChannelConfig;
  declare readonly remoteChanCfg: RemoteChannelConfig;
  declare readonly shaChainRootDesc: ShaChainRootDesc;
  declare readonly leaseExpiry?: number | undefined;
  declare readonly closeTxInputs?: CloseTxInputs | undefined;
  readonly #plaintext: Uint8Array;
  readonly #start: number;
  readonly #end: number;

  /**
   * `plaintext` holds, from `start` to `end`, what `singleCodec` wrote for a Single of this version. The
   * Singles of one Multi share it, and nothing may change it.
   */
  constructor(version: SingleVersion, plaintext: Uint8Array, start: number, end: number) {
    this.version = version;
    this.#plaintext = plaintext;
    this.#start = start;
    this.#end = end;
    // One by one, because `defineProperties` takes half as long again.
    for (const { name, accessor } of fields) Object.defineProperty(this, name, accessor);
    if (version === singleVersions.scriptEnforcedLease) {
      Object.defineProperty(this, leaseExpiry.name, leaseExpiry.accessor);
    }
    if (this.hasCloseTxInputs) {
      Object.defineProperty(this, closeTxInputs.name, closeTxInputs.accessor);
    }
  }

  /** A copy of the Single as it is now: later changes by its owner don't affect it. Throws "encode". */
  static of(single: Single): SingleView {
    if (single instanceof SingleView) return single;
    const plaintext = serializeSingle(single).slice();
    return new SingleView(single.version, plaintext, 0, plaintext.length);
  }

  /** All bytes that `singleCodec` writes for it. Read-only. */
  get plaintext(): Uint8Array {
    return this.#plaintext.subarray(this.#start, this.#end);
  }

  /** Known without reading them. */
  get hasCloseTxInputs(): boolean {
    return ((this.#plaintext[this.#start] ?? 0) & closeTxBit) !== 0;
  }

  /** As `inspect --json` prints it, so without the force close transaction. */
  toJSON(): InspectedChannel {
    return inspectSingle(this);
  }

  [inspect.custom](): InspectedChannel {
    return this.toJSON();
  }
}

function fieldOf(name: keyof SingleBody) {
  const accessor = {
    enumerable: true,
    get(this: SingleView): unknown {
      return readSingleField(this.plaintext, name);
    },
  };
  return { name, accessor };
}

/** The fields that every Single has. */
const fields = (
  [
    "isInitiator",
    "chainHash",
    "fundingOutpoint",
    "shortChannelId",
    "remoteNodePub",
    "addresses",
    "capacitySat",
    "localChanCfg",
    "remoteChanCfg",
    "shaChainRootDesc",
  ] as const
).map(fieldOf);
const leaseExpiry = fieldOf("leaseExpiry");
const closeTxInputs = fieldOf("closeTxInputs");
