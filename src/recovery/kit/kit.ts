import type { LastDrill } from "../../repository/drill-record.ts";
import { storeKinds } from "../../store/store-kinds.ts";
import type { KitFacts, KitSection } from "./kit-facts.ts";
import { kitSteps } from "./kit-steps.ts";

/** The page's content, before it is laid out. */
export interface Kit {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  /** The content of the QR code. */
  readonly address: string;
  /** To be filled in by hand. */
  readonly blanks: readonly string[];
  readonly sections: readonly KitSection[];
  readonly footer: string;
}

/** What goes on the page. None of the facts is a secret, so the page never holds one. */
export function makeKit(facts: KitFacts): Kit {
  const { node, pubkey, network, to, copies, current, isNewest, lastDrill, printedAt } = facts;
  const drilled =
    lastDrill === null
      ? "never: run scb-mirror drill, then print this page again"
      : `${day(lastDrill.at)}: ${verdictTexts[lastDrill.verdict]}`;
  return {
    title: "Recovery kit for a Lightning node",
    facts: [
      ["Node", pubkey === null || pubkey === node ? node : `${node} (${pubkey})`],
      ["Network", network ?? "not known"],
      ["Backups", `${to}, in the folder ${pubkey === node ? "named after the node" : node}`],
      [isNewest ? "Newest when printed" : "Current when printed", currentText(current)],
      ...copies.map((copy): [string, string] => [
        "Another copy",
        `${copy.to}, ${currentText(copy.current)}`,
      ]),
      ["Last drill", drilled],
    ],
    address: to,
    blanks: ["The 24 words (and their passphrase) are kept", ...placeBlanks(facts)],
    sections: [...doubtSections(facts), ...kitSteps(facts)],
    footer: `Printed ${day(printedAt)}. This page holds no secret: it is of no use without the 24 words. Print it again when the bucket, the node or its words change.`,
  };
}

function currentText(current: KitFacts["current"]): string {
  return current === null ? "none" : `sequence ${current.sequence}, saved ${day(current.savedAt)}`;
}

function placeBlanks({ kind, copies }: KitFacts): string[] {
  const kinds = [kind, ...copies.map((copy) => copy.kind)];
  return storeKinds.flatMap(({ kind: each, access }) => {
    const stores = kinds.filter((one) => one === each).length;
    if (stores === 0) return [];
    return [stores === 1 ? access.kept : access.severalKept];
  });
}

/** More would leave no room for the rest of the page. */
const mostDoubts = 2;
const longestDoubt = 180;

function doubtSections({ doubts, copies }: KitFacts): KitSection[] {
  if (doubts.length === 0) return [];
  const most = copies.length === 0 ? mostDoubts : 1;
  const shown = doubts
    .slice(0, most)
    .map((doubt) => (doubt.length > longestDoubt ? `${doubt.slice(0, longestDoubt)}…` : doubt));
  const more = doubts.length > most ? [`${doubts.length - most} more`] : [];
  const text = `${[...shown, ...more].join("; ")}. Fix this (scb-mirror status says how), then print this page again.`;
  return [{ title: "NOT safe when this was printed", blocks: [{ kind: "text", text }] }];
}

const verdictTexts: Readonly<Record<LastDrill["verdict"], string>> = {
  "would-restore": "a restore would have worked",
  "would-not-restore": "a restore would NOT have worked",
  unknown: "it isn't known whether a restore would have worked",
};

/** `2026-11-23 03:40 UTC`. */
function day(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
