import { dirname, posix } from "node:path";
import type { MarkdownOptions } from "vitepress";
import { siteNameOf } from "./pages.ts";

type MarkdownIt = Parameters<NonNullable<MarkdownOptions["config"]>>[0];

/** The anchor of a heading, as GitHub makes it: a link works in both places. */
export const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{Letter}\p{Number}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

/**
 * Makes links between files of the checkout links of the site. What the site doesn't show is linked in the
 * repository, or is plain text if that isn't known.
 */
export function siteLinks(
  md: MarkdownIt,
  published: ReadonlySet<string>,
  repository: string | undefined,
): void {
  const files = new Map([...published].map((file) => [siteNameOf(file), file]));
  md.core.ruler.push("site-links", ({ tokens, env }) => {
    const source =
      files.get(String(env.relativePath).replace(/\.md$/, "")) ?? String(env.relativePath);
    for (const { children } of tokens) {
      let isText = false;
      for (const token of children ?? []) {
        if (token.type === "link_open") {
          const to = siteLink(source, token.attrGet("href") ?? "");
          isText = to === null;
          if (to !== null) token.attrSet("href", to);
        }
        if (isText && /^link_(?:open|close)$/.test(token.type)) {
          isText = token.type === "link_open";
          token.type = "text";
          token.content = "";
        }
      }
    }
  });

  function siteLink(source: string, href: string): string | null {
    if (/^(?:[a-z]+:|#)/i.test(href)) return href;
    const [path = "", anchor] = href.split("#");
    const file = posix.join(dirname(source), path);
    const hash = anchor === undefined ? "" : `#${anchor}`;
    if (published.has(file)) return `/${siteNameOf(file)}.md${hash}`;
    return repository === undefined ? null : `${repository}/blob/main/${file}${hash}`;
  }
}
