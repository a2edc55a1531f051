import { hostname } from "node:os";
import type { Swapper } from "../chanbackup/swapper.ts";
import type { Encrypter } from "../keychain/encrypter.ts";
import { checkNodeName } from "../repository/layout.ts";
import { type Clock, systemClock } from "../runtime/clock.ts";
import { createLogger, type Logger } from "../runtime/logger.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { programVersion } from "../runtime/version.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation } from "../store/parse-location.ts";
import { prefixedStore } from "../store/prefixed-store.ts";
import { refuseEmpty, refuseMalformed } from "./guard.ts";
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
  /** Default: warnings, as JSON lines on stderr. */
  readonly logger?: Logger;
  readonly clock?: Clock;
  readonly random?: Random;
  readonly signal?: AbortSignal;
}

/**
 * A `Swapper` that keeps the backup in offsite storage, for programs that hand it to a `SubSwapper`.
 * The store is probed first: throws "store-lies" for one that does not enforce conditional writes,
 * "pointer-lost" or "pointer-damaged" where a person has to look, and what a store throws.
 */
export async function openOffsiteSwapper(
  options: OffsiteSwapperOptions,
): Promise<Swapper & { close(): Promise<void> }> {
  const { to, node, encrypter, signal } = options;
  const { logger = createLogger("warn"), clock = systemClock, random = systemRandom } = options;
  const folder = checkNodeName(node);
  const root = await openStore(parseLocation(to), { logger, clock, random });
  try {
    const store = prefixedStore(root, folder);
    const program = `scb-mirror/${programVersion}`;
    const swapper = new ObjectStoreSwapper({
      store,
      writer: `${program} ${hostname()} ${process.pid}`,
      node: { pubkey: null, network: null },
      guards: [refuseMalformed, refuseEmpty(() => false)],
      singleWriter: false,
      clock,
      random,
      logger,
    });
    await swapper.base(signal);
    await ensureProbed({ store, clock, random, logger, program, signal });
    const packSwapper = new PackSwapper({ swapper, store, encrypter });
    return {
      updateAndSwap: (newBackup, until) => packSwapper.updateAndSwap(newBackup, until),
      extractMulti: (opener, until) => packSwapper.extractMulti(opener, until),
      close: () => root.close(),
    };
  } catch (error) {
    await root.close();
    throw error;
  }
}
