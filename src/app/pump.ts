import type { InspectBackup } from "../chanbackup/backup-contents.ts";
import type { NodeIdentity, NodeWitness } from "../chanbackup/snapshot.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { MirrorObserver } from "../mirror/events.ts";
import type { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { ObjectStore } from "../store/object-store.ts";
import type { Settings } from "./settings.ts";

/** What moves a node's backups into a store: in mirror mode the node's own bytes, in pack mode ours. */
export interface Pump {
  /** For people: where the backups come from. Holds no secret. */
  readonly description: string;
  /** The running node, where there is one to ask. */
  readonly witness: NodeWitness | null;
  /** Opens backups with a key, where there is one. */
  readonly inspect: InspectBackup | null;
  /** The same key, for who wants to see what is in them. */
  readonly encrypter: Encrypter | null;
  identify(signal: AbortSignal): Promise<NodeIdentity>;
  /** Until `stop`, then until all is saved, or `abort`. Throws what no time can heal. */
  run(
    swapper: ObjectStoreSwapper,
    store: ObjectStore,
    stop: AbortSignal,
    abort: AbortSignal,
  ): Promise<void>;
  /** One snapshot, one swap. */
  once(swapper: ObjectStoreSwapper, store: ObjectStore, abort: AbortSignal): Promise<void>;
  /** May be called twice. */
  close(): Promise<void>;
}

export interface PumpOptions {
  readonly settings: Settings;
  readonly observe: MirrorObserver;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  /** Asks a person for the passphrase of the words, where one can be asked. */
  readonly askPassphrase?: (() => Promise<string>) | undefined;
}
