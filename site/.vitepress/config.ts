import { createRequire } from "node:module";
import { defineConfig } from "vitepress";
import { anchorOf, siteLinks } from "./links.ts";
import { groups, root, siteNameOf } from "./pages.ts";

const files = groups.flatMap(({ pages }) => pages.map(({ file }) => file));
const { GITHUB_REPOSITORY: name, GITHUB_SERVER_URL: server, SITE_BASE: base } = process.env;
const repository = name === undefined ? undefined : `${server ?? "https://github.com"}/${name}`;

const { resolve } = createRequire(import.meta.url);

/** The README, docs/ and what is beside them, as they are in the checkout. */
export default defineConfig({
  title: "scb-mirror",
  description:
    "An offsite copy of an lnd node's channel.backup: always current, never wrong, provably restorable",
  lang: "en",
  base: base ?? "/",
  srcDir: root,
  srcExclude: [
    "{src,test,site,infra,changelog,examples,dist,release}/**",
    "dist.*/**",
    "release.*/**",
  ],
  rewrites: Object.fromEntries(files.map((file) => [file, `${siteNameOf(file)}.md`])),
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: {
    theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" },
    anchor: { slugify: anchorOf },
    config: (md) => siteLinks(md, new Set(files), repository),
  },
  vite: {
    // The pages lie outside of this package, where Vue can't be found.
    resolve: {
      alias: [
        { find: /^vue\/server-renderer$/, replacement: resolve("vue/server-renderer") },
        { find: /^vue$/, replacement: resolve("vue/dist/vue.runtime.esm-bundler.js") },
      ],
    },
  },
  themeConfig: {
    search: { provider: "local" },
    outline: { level: [2, 3] },
    nav: [
      { text: "Recover your funds", link: "/recovery" },
      ...(repository === undefined ? [] : [{ text: "Source", link: repository }]),
    ],
    sidebar: groups
      .filter(({ pages }) => pages.length > 0)
      .map(({ title, pages }) => ({
        text: title,
        items: pages.map(({ file, title: text }) => ({
          text,
          link: `/${siteNameOf(file).replace(/^index$/, "")}`,
        })),
      })),
  },
});
