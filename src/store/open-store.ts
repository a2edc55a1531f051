import { systemClock } from "../runtime/clock.ts";
import { createLogger } from "../runtime/logger.ts";
import { systemRandom } from "../runtime/random.ts";
import type { ObjectStore } from "./object-store.ts";
import { parseLocation } from "./parse-location.ts";
import type { OpenStoreOptions } from "./store-kind.ts";
import { kindOf, type StoreLocation } from "./store-kinds.ts";

/**
 * Opens the store at `location`, without sending it anything yet. Text is parsed as by `parseLocation`,
 * which throws "usage".
 */
export async function openStore(
  location: StoreLocation | string,
  options: OpenStoreOptions = {},
): Promise<ObjectStore> {
  const place = typeof location === "string" ? parseLocation(location) : location;
  return kindOf(place).open(place, {
    logger: options.logger ?? createLogger("warn"),
    requestTimeoutMs: options.requestTimeoutMs ?? 10_000,
    connectTimeoutMs: options.connectTimeoutMs ?? 5_000,
    clock: options.clock ?? systemClock,
    random: options.random ?? systemRandom,
  });
}
