import { hostname } from "node:os";
import { inspectWith } from "../chanbackup/backup-contents.ts";
import { type NodeChannels, witnessOf } from "../chanbackup/node-channels.ts";
import type { Swapper } from "../chanbackup/swapper.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import type { Network } from "../keychain/network.ts";
import { checkNodeName } from "../repository/layout.ts";
import { storeBackoff } from "../runtime/backoff.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import { programVersion } from "../runtime/version.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation } from "../store/parse-location.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import type { Commit } from "./events.ts";
import { HeldBackups } from "./held-backups.ts";
import { mirrorGuards } from "./mirror-guards.ts";
import { ObjectStoreSwapper } from "./object-store-swapper.ts";
import { PackSwapper } from "./pack-swapper.ts";
import { ensureProbed } from "./probe-verdict.ts";
import { SingleWriterSwapper } from "./single-writer-swapper.ts";

/** Where the backups go, which node they belong to, and who must agree before one replaces another. */
export interface OffsiteSwapperOptions {
  /**
   * A location as for `--to`, such as `s3://BUCKET[/PREFIX]` or `file:///PATH`, or a store that the
   * caller has opened and will close.
   */
  readonly to: string | ObjectStore;
  /** The name of the node's folder in the store: its public key, or 1 to 128 of `A-Za-z0-9._-`. */
  readonly node: string;
  /**
   * The node that these backups belong to. If given, a folder that another node or network has written is
   * refused with "wrong-node". Default: not known.
   */
  readonly identity?: { readonly pubkey: string | null; readonly network: Network | null };
  /** Opens what the store holds and what is about to be saved. */
  readonly encrypter: Encrypter;
  /**
   * Asked before a backup replaces one with channels that it lacks: a channel that the node doesn't call
   * closed is never dropped ("refused"). Default: nobody is asked, and what was reported closed counts as
   * closed.
   */
  readonly channels?: NodeChannels;
  /**
   * Whether a backup without channels may replace one with channels. Called before each such swap.
   * Default: only if `channels` calls each of them closed.
   */
  readonly acceptEmpty?: () => boolean;
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Aborts opening, with "aborted". */
  readonly signal?: AbortSignal;
}

/** A `Swapper` on offsite storage. Close it after the SubSwapper has stopped. */
export interface OffsiteSwapper extends Swapper, AsyncDisposable {
  /** The node's folder, for people. Holds no secret. */
  readonly location: string;
  /** The commit of the last successful swap; null before the first. */
  readonly lastCommit: Commit | null;
  /** May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens offsite storage as a `Swapper`, with every protection of an lnd mirror: each backup is its own
 * version, the pointer moves by compare-and-swap, guards refuse backups that are empty or worse, and what
 * was saved is read back. An append-only store (`rclone:…`) has no pointer, and exactly one program may
 * write to it.
 *
 * Waits for a store that is away, until `signal` aborts. Probes the store first. Throws "store-lies" if
 * it doesn't enforce conditional writes, "pointer-lost" or "pointer-damaged" if a person has to look,
 * "wrong-node", "usage" for an invalid `to` or `node`, and what a store throws.
 */
export async function openOffsiteSwapper(options: OffsiteSwapperOptions): Promise<OffsiteSwapper> {
  const { to, node, identity = { pubkey: null, network: null }, encrypter, channels } = options;
  const { acceptEmpty = () => false, signal } = options;
  const { logger = createLogger("warn"), clock = systemClock, random = systemRandom } = options;
  const folder = checkNodeName(node);
  const isOurs = typeof to === "string";
  const root = isOurs ? await openStore(parseLocation(to), { logger, clock, random }) : to;
  const close = async (): Promise<void> => {
    if (isOurs) await root.close();
  };
  try {
    const store = prefixedStore(root, folder);
    const program = `scb-mirror/${programVersion}`;
    const inspect = inspectWith(encrypter);
    const witness = channels === undefined ? null : witnessOf(channels, encrypter);
    const { pubkey } = identity;
    const heldBackups = new HeldBackups({ store, witness, inspect, pubkey, logger });
    const isAppendOnly = store.conditions === "none";
    const Swapper = isAppendOnly ? SingleWriterSwapper : ObjectStoreSwapper;
    const swapper = new Swapper({
      store,
      heldBackups,
      writer: `${program} ${hostname()} ${process.pid}`,
      node: identity,
      guards: mirrorGuards(heldBackups, acceptEmpty),
      clock,
      random,
      logger,
    });
    const open = async (): Promise<void> => {
      await swapper.base(signal);
      if (isAppendOnly) return;
      await ensureProbed({ store, clock, random, logger, program, signal });
    };
    const canPass = (error: ScbError): boolean =>
      hasCode(error, "store-busy", "store-unknown", "store-clock");
    const onRetry = (error: ScbError): void =>
      logger.warn({ code: error.code }, `trying again: ${error.message}`);
    await retry(open, { canPass, backoff: storeBackoff, clock, random, onRetry, signal });
    const { location } = store;
    return Object.assign(new PackSwapper({ swapper, store, encrypter }), {
      location,
      close,
      [Symbol.asyncDispose]: close,
    });
  } catch (error) {
    await close();
    throw error;
  }
}
