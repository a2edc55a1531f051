import assert from "node:assert/strict";
import { before, it, type TestContext } from "node:test";
import { median, quantile } from "../bench/report.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";
import { type StoresRunReport, storesRun } from "../support/stores-run.ts";

const lateMs = 50;
const returnMs = 2_000;
/** What a store that hangs would cost each event, and no busy machine does. */
const blockedMs = 1_000;

// `npm run torture:stores -- --events 200` does it for longer, and prints the figures.
peerSuite(
  "a real lnd and three real MinIOs, each killed, frozen, filled and restarted",
  ["lnd", "lnd-oracle", "minio"],
  () => {
    let report: StoresRunReport;
    /** The slowest time of a store without faults, which shows how busy the machine is. */
    let slowestMs: number;
    before(async () => {
      report = await storesRun({ events: 40, seed: 1 });
      slowestMs = Math.max(...report.times.map(({ ownMs }) => ownMs));
      const late = report.times.map(({ tookMs, ownMs }) => Math.round(tookMs - ownMs));
      process.stderr.write(`later than alone, ms: ${late.join(" ")}\n`);
      process.stderr.write(`from return to level, ms: ${report.returnedMs.join(" ")}\n`);
    });

    it("has seen each trouble", (t: TestContext) => {
      const { full, ...others } = report.troubles;
      assert.deepEqual(others, { killed: 4, frozen: 4, restarted: 3 });
      if (full === undefined) return skipWithoutRoot(t);
      assert.equal(full, 3);
    });

    it("saves no event later than the second of the stores that are well", () => {
      const late = report.times.map(({ tookMs, ownMs }) => tookMs - ownMs);
      assert.ok(late.length >= 30);
      assert.ok(median(late) <= lateMs);
      // Two that are mirrored each by itself are as far apart, which is what a busy machine makes of it.
      const apartMs = quantile(
        report.times.map((time) => time.apartMs),
        0.9,
      );
      assert.ok(quantile(late, 0.9) <= lateMs + apartMs, `${apartMs}`);
      assert.ok(Math.max(...late) < blockedMs);
    });

    it("brings each store level within 2 s of its return", () => {
      assert.ok(Math.max(...report.returnedMs) <= returnMs + slowestMs, `${slowestMs}`);
    });

    it("says that it is safe when it is, and never when it isn't", () => {
      assert.deepEqual(report.wrong, []);
      assert.ok(report.verdicts >= 4 && report.readyzReads > 100 && report.reads > 100);
    });
  },
);
