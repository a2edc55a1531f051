import type { SourceObserver } from "../chanbackup/snapshot.ts";
import { Feeder } from "../mirror/feeder.ts";
import type { ObjectStoreSwapper } from "../mirror/object-store-swapper.ts";
import { openKey } from "./key.ts";
import type { Pump, PumpOptions } from "./pump.ts";
import { inspectWithKey, openSource } from "./source.ts";

/** Mirror mode: a Feeder brings what the node packs into the store, byte for byte. */
export async function openMirrorPump(options: PumpOptions): Promise<Pump> {
  const { settings, observe, clock, random, logger } = options;
  let troubles = 0;
  const observer: SourceObserver = {
    trouble: (error, retryInMs) => {
      troubles += 1;
      observe({ kind: "retrying", error, attempt: troubles, retryInMs: Math.round(retryInMs) });
    },
    recovered: () => {
      observe({ kind: "recovered", attempts: troubles });
      troubles = 0;
    },
  };
  const key = await openKey(options);
  const source = await openSource({ settings, clock, random, logger, observer, key });
  const feederOf = (swapper: ObjectStoreSwapper): Feeder =>
    new Feeder({
      source,
      swapper,
      refreshIntervalMs: settings["refresh-interval"],
      minIntervalMs: settings["min-interval"],
      observe,
      clock,
      random,
    });
  return {
    description: source.description,
    witness: source.witness,
    inspect: key && inspectWithKey(key, settings),
    encrypter: key?.encrypter ?? null,
    async identify(signal) {
      const identity = await source.identify(signal);
      // Else a macaroon that does not allow this would be found out only when a channel closes.
      await source.witness?.closedChannelPoints(signal);
      return identity;
    },
    run: (swapper, _store, stop, abort) => feederOf(swapper).run(stop, abort),
    once: (swapper, _store, abort) => feederOf(swapper).once(abort),
    close: () => source.close(),
  };
}
