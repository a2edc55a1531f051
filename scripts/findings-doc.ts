/** Writes `docs/findings.md` from the table of finding codes: `npm run generate:findings`. */
import { type FindingLevel, findingKinds } from "../src/checks/finding.ts";
import { type GeneratedPage, table, writePages } from "./generated-page.ts";

const sections: readonly (readonly [FindingLevel, string])[] = [
  ["problem", "## Problems\n\nSomething is wrong. The verdict is *unsafe*."],
  [
    "unknown",
    "## Unknown\n\nSomething that was needed wasn't seen. Without a problem, the verdict is *unknown*.",
  ],
  ["warning", "## Warnings\n\nWorth knowing. The verdict doesn't rest on them."],
];

export const findingsPage: GeneratedPage = {
  path: "docs/findings.md",
  script: "generate:findings",
  make: findingsDoc,
};

function findingsDoc(): string {
  const tables = sections.map(([level, heading]) => {
    const rows = Object.entries(findingKinds)
      .filter(([, kind]) => kind.level === level)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([code, { means, remedy }]) => [`\`${code}\``, means, remedy]);
    return `${heading}\n\n${table(["code", "it means", "what to do"], rows)}`;
  });
  return `${introduction}\n\n${tables.join("\n\n")}\n`;
}

const introduction = `# Findings

\`status\`, \`drill\` and \`verify\` report what they find under these codes, in their text and as
\`findings\` in \`--json\`. Each finding has a level. The verdict is *safe* only if there is no problem and
nothing unknown; anything else is exit code 3. \`doctor\` names the codes too, and exits with 3 for a
problem only.

The table shows each code's usual level. A few findings can have another one:

- \`drill\` asks whether a restore would work. If the node itself says that the backup holds all of its
  channels, \`stale\`, \`pointer-behind\`, \`version-beyond\` and \`refused\` are warnings. If nothing says so,
  they are unknown.
- For \`drill\`, a store that refuses the credential is a problem: a restore would be refused too.
- \`time-in-future\` is a warning if the store's own clock still tells how old the backup is.

A drill that could see too little to judge (only \`store-unread\`, \`node-unread\`, \`not-compared\` or
\`not-opened\`) isn't kept, and a running mirror repeats it soon. A doubt that it did see is a result.

This page is made from the code: \`npm run generate:findings\`.`;

if (import.meta.main) writePages([findingsPage]);
