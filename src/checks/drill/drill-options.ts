import type { NodeWitness } from "../../chanbackup/snapshot.ts";
import type { Encrypter } from "../../keychain/encrypter.ts";
import type { Dialler } from "../../node/peer-dialler.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { ScbError } from "../../runtime/error.ts";
import type { Random } from "../../runtime/random.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";

export interface DrillOptions extends RequestOptions {
  /** The node's folder, opened with the credential that an emergency would use. */
  readonly store: ObjectStore;
  /** The name of that folder. */
  readonly node: string;
  readonly encrypter?: Encrypter | undefined;
  /** Of the seed that the key is from, so that a wrong one is known for certain; null for unknown. */
  readonly identityPubkey?: string | null | undefined;
  /** The running node, where there is one to ask. */
  readonly witness?: NodeWitness | undefined;
  /** Why a node that was to be asked cannot be. */
  readonly nodeFailure?: ScbError | undefined;
  /** Tries the peers' addresses. Absent: they are only shown. */
  readonly dialler?: Dialler | undefined;
  /** An older backup, that no node says is complete, leaves the verdict open. */
  readonly maxAgeMs: number;
  readonly clock: Clock;
  readonly random: Random;
}

/** The store may be reached later. */
export const unreached = ["store-busy", "store-unknown"] as const;
/** Not with these credentials, or not there. */
export const denied = ["store-denied", "store-no-bucket", "store-clock", "store-rejected"] as const;
/** The node does not say what it was asked. */
export const nodeTrouble = [
  "node-unavailable",
  "node-untrusted",
  "node-denied",
  "node-locked",
  "node-syncing",
  "wrong-node",
] as const;
