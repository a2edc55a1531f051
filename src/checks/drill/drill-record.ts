import * as z from "zod";
import { drillsPrefix } from "../../repository/layout.ts";
import { newOperationId, operationIdPattern } from "../../repository/operation-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import { programVersion } from "../../runtime/version.ts";
import type { ObjectStore, RequestOptions } from "../../store/object-store.ts";
import type { DrillReport } from "./drill-report.ts";

const recordSchema = z.looseObject({
  schema: z.literal(1),
  at: z.iso.datetime(),
  ok: z.boolean(),
  verdict: z.enum(["would-restore", "would-not-restore", "unknown"]),
  version: z.looseObject({ key: z.string(), sequence: z.int() }).nullable(),
});

const recordPattern = new RegExp(`^drills/${operationIdPattern}\\.json$`);

/** The last drill whose result the store holds. */
export interface LastDrill {
  /** Relative to the node's folder. */
  readonly key: string;
  /** ISO 8601. */
  readonly at: string;
  readonly ok: boolean;
  readonly verdict: DrillReport["verdict"];
  /** Which version it looked at; null where it found none. */
  readonly version: { readonly key: string; readonly sequence: number } | null;
}

/**
 * Keeps what a drill has found, as `drills/<ULID>.json`, and gives its key. What an outsider who can
 * read the bucket has no need to know is left out: channels, peers, amounts. Throws what the store throws.
 */
export async function recordDrill(
  store: ObjectStore,
  report: DrillReport,
  parts: RequestOptions & { readonly clock: Clock; readonly random: Random },
): Promise<string> {
  const { at, ok, verdict, durationMs, version, opened, covered, counts, problems } = report;
  const key = `${drillsPrefix}${newOperationId(parts.clock, parts.random)}.json`;
  const record = {
    schema: 1,
    at,
    ok,
    verdict,
    durationMs,
    program: `scb-mirror/${programVersion}`,
    version:
      version === null
        ? null
        : { key: version.key, sequence: version.sequence, sha256: version.sha256 },
    opened,
    covered,
    counts: { inBackup: counts.inBackup, open: counts.open, missing: counts.missing },
    problems,
    warnings: report.warnings.map(({ code }) => code),
  };
  const bytes = new TextEncoder().encode(`${JSON.stringify(record, null, 2)}\n`);
  // The key is fresh: no condition is needed, and a store without them keeps it as well.
  await store.put(key, bytes, { contentType: "application/json", signal: parts.signal });
  return key;
}

/** Null where none was ever kept, or the newest cannot be read. Throws what the store throws. */
export async function readLastDrill(
  store: ObjectStore,
  options?: RequestOptions,
): Promise<LastDrill | null> {
  let newest: string | null = null;
  for await (const { key } of store.list(drillsPrefix, options)) {
    if (recordPattern.test(key)) newest = key;
  }
  if (newest === null) return null;
  const object = await store.get(newest, options);
  if (object === null) return null;
  let json: unknown;
  try {
    json = JSON.parse(new TextDecoder().decode(object.bytes));
  } catch {
    return null;
  }
  const record = recordSchema.safeParse(json);
  if (!record.success) return null;
  const { at, ok, verdict, version } = record.data;
  return {
    key: newest,
    at,
    ok: ok && verdict === "would-restore",
    verdict,
    version: version === null ? null : { key: version.key, sequence: version.sequence },
  };
}
