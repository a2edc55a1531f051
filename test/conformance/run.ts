/**
 * Holds any store to the promises that scb-mirror needs: `npm run conformance -- LOCATION`, as `--to`
 * takes it. Works in a new folder there, deletes what it wrote, prints what is kept and what is
 * broken. Exit code 0: all kept; 1: some are not; 2: no location.
 */
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { probeStore } from "../../src/mirror/probe.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import type { StoreLocation } from "../../src/store/store-kinds.ts";
import {
  runStoreCheck,
  type StoreCheck,
  storeChecks,
} from "../../src/testing/object-store-suite.ts";
import { newGroundAt } from "./ground-at.ts";

/** No check takes longer on a store that answers. */
const checkTimeoutMs = 5 * 60_000;

const probe: StoreCheck = {
  name: "the probe that scb-mirror runs by itself finds no lie",
  async run(open) {
    await probeStore({ store: await open(), clock: systemClock, random: systemRandom });
  },
};

await main(process.argv.slice(2));

async function main([text, ...more]: readonly string[]): Promise<void> {
  if (text === undefined || more.length > 0) {
    process.stderr.write(
      "usage: npm run conformance -- s3://BUCKET[/PREFIX][?endpoint=…&region=…]\n",
    );
    process.exitCode = 2;
    return;
  }
  let location: StoreLocation;
  try {
    location = parseLocation(text);
  } catch (error) {
    process.stderr.write(`${ScbError.from(error).message}\n`);
    process.exitCode = 2;
    return;
  }
  const folder = `conformance-${Date.now()}`;
  const { conditions } = await openAndClose(location);
  const isAppendOnly = conditions === "none";
  const checks = [...storeChecks(conditions), ...(isAppendOnly ? [] : [probe])];
  let broken = 0;
  for (const check of checks) {
    const reason = await whyBroken(check, location, folder);
    if (reason !== null) broken += 1;
    process.stdout.write(
      reason === null ? `kept    ${check.name}\n` : `BROKEN  ${check.name}: ${reason}\n`,
    );
  }
  process.stdout.write(
    broken === 0
      ? `all ${checks.length} promises ${isAppendOnly ? "of an append-only store " : ""}are kept: scb-mirror can live on this store\n`
      : `${broken} of ${checks.length} promises are broken\n`,
  );
  // Empty folders are no objects, so no store deletes them.
  if (location.kind === "file") {
    await rm(join(location.path, folder), { recursive: true, force: true });
  }
  // A check that was given up may still be under way.
  process.exit(broken === 0 ? 0 : 1);
}

async function openAndClose(location: StoreLocation): Promise<ObjectStore> {
  const store = await openStore(location);
  await store.close();
  return store;
}

async function whyBroken(
  check: StoreCheck,
  location: StoreLocation,
  folder: string,
): Promise<string | null> {
  const done = new AbortController();
  const late = delay(checkTimeoutMs, undefined, { signal: done.signal }).then(
    () => `not done within ${checkTimeoutMs / 60_000} min`,
    () => null,
  );
  const running = runStoreCheck(check, async () => newGroundAt(location, folder)).then(
    () => null,
    (error: unknown) => (error instanceof Error ? firstLine(error.message) : String(error)),
  );
  try {
    return await Promise.race([running, late]);
  } finally {
    done.abort();
  }
}

function firstLine(text: string): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(0, 3)
    .join(" ");
}
