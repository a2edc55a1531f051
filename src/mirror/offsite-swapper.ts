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

/** Where the backups go, whose they are, and who is asked before one replaces another. */
export interface OffsiteSwapperOptions {
  /**
   * As `--to`, `s3://BUCKET[/PREFIX]` or `file:///PATH`, say; or a store that the
   * caller has opened, and closes.
   */
  readonly to: string | ObjectStore;
  /** The name of the node's folder in the store: its public key, or 1 to 128 of `A-Za-z0-9._-`. */
  readonly node: string;
  /**
   * Whose backups these are. With it, a folder that another node or network has written is refused
   * with "wrong-node". Default: not known.
   */
  readonly identity?: { readonly pubkey: string | null; readonly network: Network | null };
  /** Opens what the store holds, and what is about to be saved. */
  readonly encrypter: Encrypter;
  /**
   * Asked before a backup replaces one that has channels which it lacks: what the node doesn't call
   * closed isn't dropped ("refused"). Default: nobody is asked, and what was reported closed counts.
   */
  readonly channels?: NodeChannels;
  /**
   * Whether a backup without channels may replace one that has some. Asked before each such swap.
   * Default: only if `channels` calls each of them closed.
   */
  readonly acceptEmpty?: () => boolean;
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  /** Ends the opening, with "aborted". */
  readonly signal?: AbortSignal;
}

/** A `Swapper` on offsite storage. Close it after the SubSwapper has stopped. */
export interface OffsiteSwapper extends Swapper, AsyncDisposable {
  /** The node's folder, for people. Holds no secret. */
  readonly location: string;
  /** What the last swap that resolved has committed; null before the first. */
  readonly lastCommit: Commit | null;
  /** May be called twice. */
  close(): Promise<void>;
}

/**
 * Opens offsite storage as a `Swapper`, with all that a mirror of lnd has: each backup is a version of
 * its own, the pointer moves by compare-and-swap, guards hold back what is empty or worse, and what was
 * saved is read back. On an append-only store (`rclone:…`) there is no pointer, and exactly one program
 * may write.
 *
 * A store that is away is waited for, until `signal` aborts. It is probed first: throws "store-lies" for
 * one that does not enforce conditional writes, "pointer-lost" or "pointer-damaged" where a person has
 * to look, "wrong-node", "usage" for a wrong `to` or `node`, and what a store throws.
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
