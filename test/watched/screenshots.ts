/** Writes what the page looks like, for people to look at: `node test/watched/screenshots.ts FOLDER`. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pageAnswer } from "../../src/watched/page/page.ts";
import { startBrowserPage } from "../peers/browser-page.ts";
import { pageStories } from "./page-stories.ts";
import { servedPages } from "./served-pages.ts";

const folder = process.argv[2] ?? "screenshots";
mkdirSync(folder, { recursive: true });
await using served = await servedPages(
  Object.values(pageStories).map(({ watched, now }) =>
    pageAnswer(watched, now, new URLSearchParams()),
  ),
);
await using page = await startBrowserPage();
for (const [at, name] of Object.keys(pageStories).entries()) {
  for (const scheme of ["light", "dark"] as const) {
    for (const [device, widthPx, heightPx] of [
      ["desktop", 1280, 900],
      ["phone", 390, 844],
    ] as const) {
      await page.view({ widthPx, heightPx, scheme });
      await page.open(served.url(at));
      const file = `${name.replaceAll(/[ ,]+/g, "-")}-${device}-${scheme}.png`;
      writeFileSync(join(folder, file), await page.screenshot());
    }
  }
}
