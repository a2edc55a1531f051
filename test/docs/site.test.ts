/** The site: built from the pages as they are, and looked at in a browser. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { existsSync, globSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { after, before, it } from "node:test";
import { z } from "zod";
import { type BrowserPage, startBrowserPage } from "../peers/browser-page.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { runCommand } from "../peers/run-command.ts";
import { waitFor } from "../peers/wait-for.ts";
import { pageFiles, root } from "./pages.ts";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const findingsSchema = z.array(z.object({ id: z.string(), nodes: z.array(z.string()) }));

const views = [
  { name: "light, on a desktop", widthPx: 1280, heightPx: 900, scheme: "light" },
  { name: "dark, on a phone", widthPx: 390, heightPx: 844, scheme: "dark" },
] as const;

const types: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
};

/** As `docs/operate.md` is called on the site: `operate`. */
const nameOf = (file: string): string =>
  file === "README.md" ? "index" : file.replace(/^docs\/|\.md$/g, "").toLowerCase();

/**
 * One step of a search: opens the box, types a word, gives the first result's page, or null before there is
 * one. A click is lost until the page's script has started.
 */
const search = `(() => {
  const input = document.querySelector('.VPLocalSearchBox input');
  if (input === null) {
    document.querySelector('.VPNavBarSearch button').click();
  } else if (input.value !== 'rescan') {
    input.value = 'rescan';
    input.dispatchEvent(new Event('input', { bubbles: true }));
  }
  return document.querySelector('.VPLocalSearchBox .results a')?.getAttribute('href') ?? null;
})()`;

peerSuite("the site of the documentation", ["browser"], () => {
  let folder: string;
  let server: Server;
  let origin: string;
  let page: BrowserPage;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-site-"));
    await runCommand(
      process.execPath,
      [join(root, "scripts/site.ts"), "build", "--outDir", folder],
      {
        env: { ...process.env, GITHUB_REPOSITORY: undefined, SITE_BASE: undefined },
        timeoutMs: 10 * 60_000,
      },
    );
    server = createServer((request, response) => {
      const { pathname } = new URL(request.url ?? "/", "http://site");
      const path = join(folder, pathname === "/" ? "index.html" : pathname);
      const isThere = path.startsWith(folder) && existsSync(path);
      response.writeHead(isThere ? 200 : 404, {
        "content-type": types[extname(path)] ?? "application/octet-stream",
        // Whatever the site would fetch from elsewhere, the browser complains of.
        "content-security-policy": "default-src 'self' data: 'unsafe-inline'",
      });
      response.end(isThere ? readFileSync(path) : "");
    });
    await once(server.listen(0, "127.0.0.1"), "listening");
    const address = server.address();
    assert.ok(typeof address === "object" && address !== null);
    origin = `http://127.0.0.1:${address.port}`;
    page = await startBrowserPage();
  });
  after(async () => {
    await page?.[Symbol.asyncDispose]();
    server?.close();
    server?.closeAllConnections();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  it("has every page, each of them in the sidebar", () => {
    const index = readFileSync(join(folder, "index.html"), "utf8");
    for (const file of pageFiles) {
      const name = nameOf(file);
      assert.ok(existsSync(join(folder, `${name}.html`)), file);
      if (name !== "index") assert.ok(index.includes(`href="/${name}.html"`), file);
    }
    assert.equal(
      globSync("**/*.html", { cwd: folder }).length,
      pageFiles.length + 1,
      "and the 404",
    );
  });

  it("has links that lead somewhere", () => {
    const html = new Map(
      globSync("**/*.html", { cwd: folder }).map((file) => [
        `/${file}`,
        readFileSync(join(folder, file), "utf8"),
      ]),
    );
    const broken = [...html].flatMap(([from, text]) =>
      [...text.matchAll(/ href="([^"]*)"/g)]
        .map(([, href = ""]) => href)
        .filter((href) => !/^(?:https?|data|mailto):/.test(href))
        .filter((href) => {
          const { pathname, hash } = new URL(href, `http://site${from}`);
          const target = pathname === "/" ? "/index.html" : pathname;
          if (!target.endsWith(".html")) return !existsSync(join(folder, target));
          const there = html.get(target);
          const id = decodeURIComponent(hash.slice(1));
          return there === undefined || (id !== "" && !there.includes(` id="${id}"`));
        })
        .map((href) => `${from}: ${href}`),
    );
    assert.deepEqual(broken, []);
  });

  for (const view of views) {
    it(`is complained of by nobody (${view.name})`, { timeout: 180_000 }, async () => {
      await page.view(view);
      const complaints: unknown[] = [];
      for (const file of pageFiles) {
        await page.open(`${origin}/${nameOf(file)}.html`);
        await page.evaluate(`${axe}; null`);
        const found = await page.evaluate(
          "axe.run().then(({ violations }) => violations.map(({ id, nodes }) => ({ id, nodes: nodes.slice(0, 3).map(({ html }) => html) })))",
        );
        complaints.push(...findingsSchema.parse(found).map((each) => ({ file, ...each })));
        const overflow = await page.evaluate(
          "document.documentElement.scrollWidth - document.documentElement.clientWidth",
        );
        if (overflow !== 0) complaints.push({ file, overflow });
      }
      assert.deepEqual([...complaints, ...page.complaints], []);
    });
  }

  it("finds words in its pages", async () => {
    await page.view(views[0]);
    await page.open(`${origin}/`);
    const found = await waitFor(
      "a result of the search",
      async () => (await page.evaluate(search)) ?? undefined,
      { timeoutMs: 60_000, everyMs: 200 },
    );
    assert.match(String(found), /^\/recovery\.html/);
  });
});
