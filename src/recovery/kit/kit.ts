import type { LastDrill } from "../../repository/drill-record.ts";
import { storeKinds } from "../../store/store-kinds.ts";
import type { KitFacts, KitSection } from "./kit-facts.ts";
import { kitSteps } from "./kit-steps.ts";

/** The page, before it has a form. */
export interface Kit {
  readonly title: string;
  readonly facts: readonly (readonly [string, string])[];
  /** What the QR code says. */
  readonly address: string;
  /** To be filled in by hand. */
  readonly blanks: readonly string[];
  readonly sections: readonly KitSection[];
  readonly footer: string;
}

/** What goes on the page. It never holds a secret: nothing here could be one. */
export function makeKit(facts: KitFacts): Kit {
  const { node, pubkey, network, to, copies, current, isNewest, lastDrill, printedAt } = facts;
  const drilled =
    lastDrill === null
      ? "never: run scb-mirror drill, and print this page again"
      : `${day(lastDrill.at)}: ${verdictTexts[lastDrill.verdict]}`;
  return {
    title: "Recovery kit of a Lightning node",
    facts: [
      ["Node", pubkey === null || pubkey === node ? node : `${node} (${pubkey})`],
      ["Network", network ?? "not known"],
      ["Backups", `${to}, in the folder ${pubkey === node ? "of that name" : node}`],
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
    footer: `Printed ${day(printedAt)}. There is no secret on this page: it is of no use without the 24 words. Print it anew when the bucket, the node or its words change.`,
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

/** As many as leave room for the rest of the page. */
const mostDoubts = 2;
const longestDoubt = 180;

function doubtSections({ doubts, copies }: KitFacts): KitSection[] {
  if (doubts.length === 0) return [];
  const most = copies.length === 0 ? mostDoubts : 1;
  const shown = doubts
    .slice(0, most)
    .map((doubt) => (doubt.length > longestDoubt ? `${doubt.slice(0, longestDoubt)}…` : doubt));
  const more = doubts.length > most ? [`${doubts.length - most} more`] : [];
  const text = `${[...shown, ...more].join("; ")}. Mend it (scb-mirror status says how), and print this page again.`;
  return [{ title: "NOT safe when this was printed", blocks: [{ kind: "text", text }] }];
}

const verdictTexts: Readonly<Record<LastDrill["verdict"], string>> = {
  "would-restore": "a restore would have worked",
  "would-not-restore": "a restore would NOT have worked",
  unknown: "it could not be told whether a restore would have worked",
};

/** `2026-11-23 03:40 UTC`. */
function day(iso: string): string {
  return `${iso.slice(0, 10)} ${iso.slice(11, 16)} UTC`;
}
