import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, it } from "node:test";
import { z } from "zod";
import { pageAnswer } from "../../src/watched/page/page.ts";
import { type BrowserPage, startBrowserPage } from "../peers/browser-page.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { pageStories } from "./page-stories.ts";
import { servedPages } from "./served-pages.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const findingsSchema = z.array(z.object({ id: z.string(), nodes: z.array(z.string()) }));

const views = [
  { name: "light, on a desktop", widthPx: 1280, heightPx: 900, scheme: "light" },
  { name: "dark, on a phone", widthPx: 360, heightPx: 740, scheme: "dark" },
] as const;

peerSuite("the page in a browser", ["browser"], () => {
  let page: BrowserPage;
  let served: Awaited<ReturnType<typeof servedPages>>;

  before(async () => {
    const answers = Object.values(pageStories).map(({ watched, now }) =>
      pageAnswer(watched, now, new URLSearchParams()),
    );
    const [first] = answers;
    assert.ok(first !== undefined);
    const grey = first.body.replace(/--soft: #[0-9a-f]+/g, "--soft: #bbb");
    served = await servedPages([
      ...answers,
      // Wrong on purpose: letters that can't be read, and a style that the policy doesn't know.
      { ...first, body: grey, headers: { "content-security-policy": "img-src data:" } },
      { ...first, body: grey },
    ]);
    page = await startBrowserPage();
  });
  after(async () => {
    await page?.[Symbol.asyncDispose]();
    await served?.[Symbol.asyncDispose]();
  });

  async function axeFindings() {
    await page.evaluate(`${axe}; null`);
    const ran = await page.evaluate(
      "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.map(({ html }) => html) })))",
    );
    return findingsSchema.parse(ran);
  }

  for (const [at, name] of Object.keys(pageStories).entries()) {
    for (const view of views) {
      it(`${name}: axe finds nothing, and nothing is cut off (${view.name})`, async () => {
        await page.view(view);
        await page.open(served.url(at));
        assert.deepEqual(await axeFindings(), []);
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        assert.equal(overflow, 0);
      });
    }
  }

  it("axe would find letters that can't be read", async () => {
    await page.view(views[0]);
    await page.open(served.url(Object.keys(pageStories).length));
    const found = await axeFindings();
    assert.ok(found.some(({ id }) => id === "color-contrast"));
  });

  it("its style is the one that its policy allows, and the browser complains of nothing", async () => {
    const background = "getComputedStyle(document.querySelector('header')).backgroundColor";
    await page.view(views[0]);
    await page.open(served.url(0));
    assert.notEqual(await page.evaluate(background), "rgba(0, 0, 0, 0)");
    const before = page.complaints.length;
    const policyComplaints = () =>
      page.complaints.slice(before).filter((each) => /Security Policy/.test(each));
    assert.deepEqual(policyComplaints(), []);
    await page.open(served.url(Object.keys(pageStories).length + 1));
    assert.equal(await page.evaluate(background), "rgba(0, 0, 0, 0)");
    assert.notDeepEqual(policyComplaints(), []);
  });

  it("can be read by the keyboard: each link gets the focus, and shows it", async () => {
    await page.open(served.url(0));
    const links: unknown[] = [];
    for (let at = 0; at < 4; at += 1) {
      await page.press("Tab");
      links.push(await page.evaluate("document.activeElement.getAttribute('href')"));
      const outline = "getComputedStyle(document.activeElement).outlineStyle";
      assert.equal(await page.evaluate(outline), "solid");
    }
    assert.deepEqual(links, ["/?refresh=off", "/status.json", "/metrics", "/readyz"]);
  });

  it("tells verdicts apart by more than colour", async () => {
    const shapes: unknown[] = [];
    for (const at of [0, 1, 2]) {
      await page.open(served.url(at));
      shapes.push(
        await page.evaluate("document.querySelector('.headline path').getAttribute('d')"),
      );
    }
    assert.equal(new Set(shapes).size, 3);
  });
});
