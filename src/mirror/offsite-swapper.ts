import { hostname } from "node:os";
import { inspectWith } from "../chanbackup/backup-contents.ts";
import type { Swapper } from "../chanbackup/swapper.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { checkNodeName } from "../repository/layout.ts";
import { storeBackoff } from "../runtime/backoff.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { hasCode, type ScbError } from "../runtime/error.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { retry } from "../runtime/retry.ts";
import { programVersion } from "../runtime/version.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation } from "../store/parse-location.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { HeldBackups } from "./held-backups.ts";
import { mirrorGuards } from "./mirror-guards.ts";
import { ObjectStoreSwapper } from "./object-store-swapper.ts";
import { PackSwapper } from "./pack-swapper.ts";
import { ensureProbed } from "./probe-verdict.ts";

export interface OffsiteSwapperOptions {
  /** As `--to`: `s3://BUCKET[/PREFIX][?region=…&endpoint=…]` or `file:///PATH`. */
  readonly to: string;
  /** The name of the node's folder in the store. */
  readonly node: string;
  /** Opens what the store holds, and what is about to be saved. */
  readonly encrypter: Encrypter;
  /**
   * Whether a backup without channels may replace one that has some. Asked before each such swap;
   * default: never. For a program whose last channel is really closed.
   */
  readonly acceptEmpty?: () => boolean;
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
}

/**
 * A `Swapper` that keeps the backup in offsite storage, for programs that hand it to a `SubSwapper`.
 * A store that is away is waited for, until `signal` aborts. It is probed first: throws "store-lies" for one that does not enforce conditional writes,
 * "pointer-lost" or "pointer-damaged" where a person has to look, and what a store throws.
 */
export async function openOffsiteSwapper(
  options: OffsiteSwapperOptions,
): Promise<Swapper & { close(): Promise<void> }> {
  const { to, node, encrypter, acceptEmpty = () => false, signal } = options;
  const { logger = createLogger("warn"), clock = systemClock, random = systemRandom } = options;
  const folder = checkNodeName(node);
  const root = await openStore(parseLocation(to), { logger, clock, random });
  try {
    const store = prefixedStore(root, folder);
    const program = `scb-mirror/${programVersion}`;
    const inspect = inspectWith(encrypter);
    const heldBackups = new HeldBackups({ store, witness: null, inspect, logger });
    const swapper = new ObjectStoreSwapper({
      store,
      heldBackups,
      writer: `${program} ${hostname()} ${process.pid}`,
      node: { pubkey: null, network: null },
      guards: mirrorGuards(heldBackups, acceptEmpty),
      clock,
      random,
      logger,
    });
    const open = async (): Promise<void> => {
      await swapper.base(signal);
      await ensureProbed({ store, clock, random, logger, program, signal });
    };
    const canPass = (error: ScbError): boolean =>
      hasCode(error, "store-busy", "store-unknown", "store-clock");
    const onRetry = (error: ScbError): void =>
      logger.warn({ code: error.code }, `trying again: ${error.message}`);
    await retry(open, { canPass, backoff: storeBackoff, clock, random, onRetry, signal });
    const packSwapper = new PackSwapper({ swapper, store, encrypter });
    return Object.assign(packSwapper, { close: () => root.close() });
  } catch (error) {
    await root.close();
    throw error;
  }
}
