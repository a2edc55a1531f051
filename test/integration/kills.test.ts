import assert from "node:assert/strict";
import { it } from "node:test";
import { peerSuite } from "../peers/peer-suite.ts";
import { FaultGround } from "../support/fault-ground.ts";
import { killRun } from "../support/kill-run.ts";

// `npm run torture -- --kills 1000` does it a thousand times.
peerSuite("two programs on one folder, killed at random moments", ["minio"], () => {
  it("loses nothing in 25 kills", async () => {
    await using ground = await FaultGround.start("kills");
    const report = await killRun({ ground, kills: 25, killsPerStoreKill: 10, seed: 1 });
    assert.ok(report.storeKills >= 2);
    assert.ok(report.acknowledged >= 25 && report.looks >= 25);
  });
});
