import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { it } from "node:test";
import { nodesPage } from "../../src/monitor/views/page.ts";
import { afterRound, newNodesWatched } from "../../src/monitor/views/record.ts";
import { startBrowserPage } from "../peers/browser-page.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { servedPages } from "../watched/served-pages.ts";
import { MonitorWorld } from "./monitor-world.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

peerSuite("the page of many nodes in a browser", ["browser"], () => {
  for (const view of [
    { widthPx: 1280, heightPx: 900, scheme: "light" },
    { widthPx: 360, heightPx: 740, scheme: "dark" },
  ] as const) {
    it(`axe finds nothing, and nothing is cut off (${view.scheme}, ${view.widthPx} wide)`, async () => {
      const world = new MonitorWorld();
      for (const node of ["alice", "bob", "02".padEnd(66, "a")]) await world.save(node);
      world.states[0]?.delete("bob/latest.json");
      const now = { wallMs: world.clock.now(), monotonicMs: world.clock.monotonicMs() };
      const watched = afterRound(
        newNodesWatched("1.2.3", now, 60_000),
        await world.monitor.round(),
        now,
      );
      const answer = nodesPage(watched, now, new URLSearchParams());
      await using served = await servedPages([answer]);
      await using page = await startBrowserPage();
      await page.view(view);
      await page.open(served.url(0));
      await page.evaluate(`${axe}; null`);
      const found = await page.evaluate(
        "axe.run().then(({ violations }) => violations.map(({ id }) => id))",
      );
      assert.deepEqual(found, []);
      const overflow = await page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      );
      assert.equal(overflow, 0);
    });
  }
});
