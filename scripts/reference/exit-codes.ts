import { readFileSync } from "node:fs";
import { definitions } from "../../src/commands/definitions.ts";
import { exitCodeEntries, exitCodeOf } from "../../src/commands/exit-code.ts";
import { errorCodes } from "../../src/runtime/error.ts";
import { sentence, table } from "../generated-page.ts";

export function exitCodesPage(): string {
  const codes = exitCodeEntries().map(([code, meaning]) => [`${code}`, sentence(meaning)]);
  const own = definitions.flatMap(({ name, exitCodes = {} }) =>
    exitCodeEntries(exitCodes)
      .filter(([code]) => exitCodes[code] !== undefined)
      .map(([code, meaning]) => [
        `[\`${name}\`](commands.md#${name})`,
        `${code}`,
        sentence(meaning),
      ]),
  );
  const errors = errorCodes.map((code) => [
    `\`${code}\``,
    sentence(meaningOf(code)),
    `${exitCodeOf(code)}`,
  ]);
  return `${[
    introduction,
    table(["code", "meaning"], codes),
    afterCodes,
    table(["command", "code", "meaning"], own),
    errorCodesHeading,
    table(["error", "meaning", "exit code"], errors),
  ].join("\n\n")}\n`;
}

/** The comment beside the code in the source's list of exit codes. */
function meaningOf(code: string): string {
  const [, meaning] = new RegExp(`^ {2}"${code}", // (.*)$`, "m").exec(source) ?? [];
  if (meaning === undefined) throw new Error(`src/runtime/error.ts doesn't say what ${code} means`);
  return meaning;
}

const source = readFileSync(new URL("../../src/runtime/error.ts", import.meta.url), "utf8");

const introduction = `# Exit codes

A script can rely on these. With 1, 2 and 4 there is one line on stderr that says what happened and what to
do, and nothing on stdout.`;

const afterCodes = `A code other than 0 never means that a backup was lost or overwritten. 4 means that going on might lose
one: starting the program again only stops it again, until a person has looked.

With several stores the code is the worst of them, by \`--require\` where there is a verdict. A second SIGINT or
SIGTERM ends a command at once, with 1.

Some commands say more:`;

const errorCodesHeading = `## Error codes

Events, findings and failures in [JSON](json.md) name an error by its code. This is what each one means, and
the exit code of a command that ends with it.`;
