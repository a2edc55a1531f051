/** How long it takes until many writers that start at once on one folder have all saved their state. */
import { crowd } from "../support/crowd.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { figure, printReport } from "./report.ts";

const writers = Number(process.argv[2] ?? 100);
await using ground = await FaultGround.start("crowd");
const startedAtMs = performance.now();
const { requests, versions } = await crowd(ground, writers, 600_000);
const tookSeconds = (performance.now() - startedAtMs) / 1000;
printReport(
  `${writers} writers at once on one folder`,
  ["", "in all", "per commit"],
  [
    ["time", figure(tookSeconds, "s"), figure((tookSeconds * 1000) / writers, "ms")],
    ["requests", String(requests), (requests / writers).toFixed(1)],
    ["versions uploaded", String(versions), (versions / writers).toFixed(1)],
  ],
);
