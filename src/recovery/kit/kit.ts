import type { LastDrill } from "../../repository/drill-record.ts";
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
  const { node, pubkey, network, to, current, isNewest, lastDrill, printedAt } = facts;
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
      [
        isNewest ? "Newest when printed" : "Current when printed",
        current === null ? "none" : `sequence ${current.sequence}, saved ${day(current.savedAt)}`,
      ],
      ["Last drill", drilled],
    ],
    address: to,
    blanks: [
      "The 24 words (and their passphrase) are kept",
      facts.place.kind === "s3"
        ? "The credential that reads the bucket is kept"
        : "The disk with the backups is kept",
    ],
    sections: [...doubtSections(facts), ...kitSteps(facts)],
    footer: `Printed ${day(printedAt)}. There is no secret on this page: it is of no use without the 24 words. Print it anew when the bucket, the node or its words change.`,
  };
}

/** As many as leave room for the rest of the page. */
const mostDoubts = 2;
const longestDoubt = 180;

function doubtSections({ doubts }: KitFacts): KitSection[] {
  if (doubts.length === 0) return [];
  const shown = doubts
    .slice(0, mostDoubts)
    .map((doubt) => (doubt.length > longestDoubt ? `${doubt.slice(0, longestDoubt)}…` : doubt));
  const more = doubts.length > mostDoubts ? [`${doubts.length - mostDoubts} more`] : [];
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
