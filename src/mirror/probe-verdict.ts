import * as z from "zod";
import { probeVerdictKey } from "../repository/layout.ts";
import { lineText, RecordFormat } from "../repository/record.ts";
import { hasCode } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { type ProbeOptions, probeStore } from "./probe.ts";

const format = new RecordFormat({
  name: "the probe's verdict",
  schema: z.object({
    schema: z.literal(1),
    store: lineText(2048),
    program: lineText(256),
    at: z.iso.datetime(),
    conditionalWrites: z.literal("enforced"),
  }),
});

/** A store's behaviour changes with its upgrades, so a verdict expires. */
const verdictLifetimeMs = 7 * 24 * 3600 * 1000;

/**
 * Probes the store, unless this program found it good within the last seven days. The verdict is kept
 * beside the backups, so that a restart costs one read. Throws what `probeStore` throws.
 */
export async function ensureProbed(
  options: ProbeOptions & { readonly program: string; readonly logger: Logger },
): Promise<void> {
  const { store, clock, signal, program, logger } = options;
  if (await hasVerdict(options)) return;
  await probeStore(options);
  const verdict = {
    schema: 1 as const,
    store: await storeName(store),
    program,
    at: new Date(clock.now()).toISOString(),
    conditionalWrites: "enforced" as const,
  };
  try {
    await store.put(probeVerdictKey, format.encode(verdict), {
      contentType: "application/json",
      signal,
    });
  } catch (error) {
    // Two mirrors that start together may collide here; the next start probes again.
    if (!hasCode(error, "store-busy", "store-unknown")) throw error;
    logger.warn({ err: error }, "could not save the probe's verdict; the next start probes again");
  }
}

async function hasVerdict(options: ProbeOptions & { readonly program: string }): Promise<boolean> {
  const { store, clock, signal, program } = options;
  const verdict = await format.readIfSound(store, probeVerdictKey, { signal });
  if (verdict === null) return false;
  const ageMs = clock.now() - Date.parse(verdict.at);
  return (
    verdict.store === (await storeName(store)) &&
    verdict.program === program &&
    ageMs >= 0 &&
    ageMs < verdictLifetimeMs
  );
}

/** A copied folder brings its verdict along, which says nothing about another service. */
async function storeName(store: ObjectStore): Promise<string> {
  const service = await store.service?.();
  return service === undefined ? store.location : `${store.location} at ${service}`;
}
