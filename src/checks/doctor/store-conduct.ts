import { decodeTime } from "ulid";
import { probeStore } from "../../mirror/probe.ts";
import { probePrefix, probeVerdictKey } from "../../repository/layout.ts";
import { operationIdPattern } from "../../repository/operation-id.ts";
import type { Clock } from "../../runtime/clock.ts";
import type { Random } from "../../runtime/random.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type Checkup, type Finding, good, unknown, warning } from "./checkup.ts";
import type { Scratch } from "./scratch.ts";

const swapsTimed = 5;
/** The sizes of a version and a pointer for a dozen channels. */
const versionSizeBytes = 7_000;
const pointerSizeBytes = 2_500;
/** Well below the time after which a request counts as lost. */
const slowSwapMs = 3_000;

const visitPattern = new RegExp(`^${probePrefix}(${operationIdPattern})/`);

export interface ConductOptions {
  /** The node's folder. */
  readonly store: ObjectStore;
  readonly scratch: Scratch;
  /** The mirror doesn't use conditional writes, so they aren't tried. */
  readonly singleWriter: boolean;
  readonly clock: Clock;
  readonly random: Random;
}

/** Does the store enforce conditional writes under contention, and how long does a swap take? */
export async function examineConduct(checkup: Checkup, options: ConductOptions): Promise<void> {
  const { store, scratch, singleWriter, clock, random } = options;
  if (singleWriter || store.conditions === "none") {
    const why =
      store.conditions === "none"
        ? "the store is append-only, because rclone's remotes enforce no conditions"
        : "conditional writes weren't tried, because --single-writer is set";
    checkup.add(
      "store-probe",
      "unknown",
      `${why}; run only one scb-mirror on this folder: two lose nothing, but the newest backup may then hold the older state`,
    );
    await checkup.run(
      "store-latency",
      (signal) => medianSaveMs(scratch, clock, signal),
      (ms) => latencyFinding(ms, `one version, the median of ${swapsTimed}`),
      ({ message }) => unknown(`it isn't known how long a swap takes: ${message}`),
    );
    return;
  }
  await checkup.run(
    "store-conditional-put",
    async (signal) => {
      const etag = await scratch.put("conditional", 0, { kind: "absent" }, signal);
      return scratch.put("conditional", 0, { kind: "match", etag }, signal);
    },
    () => good("these credentials may make conditional writes"),
  );
  await checkup.run(
    "store-probe",
    (signal) => probeStore({ store, clock, random, signal }),
    () => good("the store enforces conditional writes, even when eight writers race"),
  );
  await checkup.run(
    "store-latency",
    (signal) => medianSwapMs(scratch, clock, signal),
    (ms) => latencyFinding(ms, `two requests, the median of ${swapsTimed}`),
    ({ message }) => unknown(`it isn't known how long a swap takes: ${message}`),
  );
}

/** Two requests, as a swap makes them: a new version, then the pointer over the last one. */
async function medianSwapMs(scratch: Scratch, clock: Clock, signal: AbortSignal): Promise<number> {
  let etag = await scratch.put("pointer", pointerSizeBytes, { kind: "absent" }, signal);
  return medianMs(clock, async (name) => {
    await scratch.put(name, versionSizeBytes, { kind: "absent" }, signal);
    etag = await scratch.put("pointer", pointerSizeBytes, { kind: "match", etag }, signal);
  });
}

/** One request, as a swap makes it on a store without a pointer. */
function medianSaveMs(scratch: Scratch, clock: Clock, signal: AbortSignal): Promise<number> {
  return medianMs(clock, async (name) => {
    await scratch.put(name, versionSizeBytes, undefined, signal);
  });
}

async function medianMs(clock: Clock, swap: (name: string) => Promise<void>): Promise<number> {
  const times: number[] = [];
  for (let at = 1; at <= swapsTimed; at += 1) {
    const startMs = clock.monotonicMs();
    await swap(`version-${at}`);
    times.push(clock.monotonicMs() - startMs);
  }
  return times.sort((a, b) => a - b)[Math.floor(swapsTimed / 2)] ?? 0;
}

function latencyFinding(ms: number, how: string): Finding {
  const says = `a swap takes ${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms (${how})`;
  return ms < slowSwapMs
    ? good(says)
    : warning(
        `${says}, which is slow: check the network path to the store, and raise --request-timeout`,
      );
}

/** Reports what probes and doctor have left under `probe/`, and which of it this run left. */
export async function examineLeftovers(
  checkup: Checkup,
  store: ObjectStore,
  sinceMs: number,
): Promise<void> {
  await checkup.run(
    "store-left-behind",
    async (signal) => {
      const keys: string[] = [];
      for await (const { key } of store.list(probePrefix, { signal })) {
        if (key !== probeVerdictKey) keys.push(key);
      }
      return keys;
    },
    (keys) => leftoversFinding(keys, sinceMs, store.inspection !== undefined),
    ({ message }) => unknown(`it isn't known what is left under ${probePrefix}: ${message}`),
  );
}

function leftoversFinding(
  keys: readonly string[],
  sinceMs: number,
  mayKeepVersions: boolean,
): Finding {
  if (keys.length === 0) {
    const hidden = mayKeepVersions
      ? ` (a bucket that keeps versions still has old ones under ${probePrefix})`
      : "";
    return good(`this check left nothing behind${hidden}`);
  }
  const folders = new Set(
    keys
      .map((key) => visitPattern.exec(key)?.[1])
      .filter((id) => id !== undefined)
      .filter((id) => decodeTime(id) >= sinceMs)
      .map((id) => `${probePrefix}${id}/`),
  );
  const ofThis =
    folders.size === 0 ? "none from this check" : `from this check: ${[...folders].join(", ")}`;
  return good(
    `${keys.length} small objects are left under ${probePrefix} (${ofThis}), because these credentials may not delete them; they are safe to delete, ideally with a lifecycle rule on that folder`,
  );
}
