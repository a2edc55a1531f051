import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";

/** The checkout, whose pages the site shows as they are. */
export const root = join(import.meta.dirname, "../..");

export interface Page {
  /** From the root of the checkout. */
  readonly file: string;
  readonly title: string;
}

const named = (folder: string, titles: Readonly<Record<string, string>>): readonly Page[] =>
  Object.entries(titles)
    .map(([name, title]) => ({ file: `${folder}${name}.md`, title }))
    .filter(({ file }) => existsSync(join(root, file)));

/** The generated ones, whatever they are called. */
const reference = existsSync(join(root, "docs/reference"))
  ? readdirSync(join(root, "docs/reference"))
      .filter((name) => name.endsWith(".md"))
      .sort()
      .map((name) => ({
        file: `docs/reference/${name}`,
        title: name === "json.md" ? "JSON" : titleOf(name.replace(".md", "")),
      }))
  : [];

/** All pages, as the sidebar shows them. */
export const groups: readonly { readonly title: string; readonly pages: readonly Page[] }[] = [
  { title: "scb-mirror", pages: named("", { README: "Overview" }) },
  {
    title: "Guides",
    pages: named("docs/", {
      install: "Install",
      operate: "Operate",
      deploy: "Deploy",
      recovery: "Recover your funds",
      troubleshoot: "Troubleshoot",
      stores: "Stores",
      "several-stores": "Several stores",
      "second-copy": "A second copy",
      alerts: "Alerts",
      watching: "Page and metrics",
      monitor: "A separate monitor",
      library: "Use as a library",
    }),
  },
  { title: "Reference", pages: [...reference, ...named("docs/", { findings: "Findings" })] },
  {
    title: "Explanation",
    pages: named("docs/", {
      promises: "Promises and limits",
      protocol: "Format and protocol",
      tried: "How we tried to break it",
      "lnd-mapping": "Compared with lnd",
    }),
  },
  {
    title: "Project",
    pages: named("", {
      SECURITY: "Security",
      CONTRIBUTING: "Contributing",
      CHANGELOG: "Changelog",
    }),
  },
];

/** Where a page stands on the site, without slash and ending: `docs/operate.md` is `operate`. */
export function siteNameOf(file: string): string {
  if (file === "README.md") return "index";
  return file
    .replace(/^docs\//, "")
    .replace(/\.md$/, "")
    .toLowerCase();
}

function titleOf(name: string): string {
  const words = name.replaceAll("-", " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}
