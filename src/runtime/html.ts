import { printable } from "./foreign-text.ts";

/** Finished markup that isn't escaped again. */
export class Html {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

type Part = string | number | Html | null | readonly Part[];

/**
 * Markup with values as text or in quoted attributes. Escapes every value but `Html`, whoever wrote it.
 * Null becomes nothing, and a list its items.
 */
export function html(markup: TemplateStringsArray, ...parts: readonly Part[]): Html {
  const values = [...parts.map(textOf), ""];
  return new Html(markup.map((text, at) => text + values[at]).join(""));
}

function textOf(part: Part): string {
  if (part === null) return "";
  if (part instanceof Html) return part.text;
  if (typeof part === "object") return part.map(textOf).join("");
  return escapeHtml(printable(String(part)));
}

const entities: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

export function escapeHtml(text: string): string {
  return text.replaceAll(/[&<>"']/g, (char) => entities[char] ?? char);
}
