/** Every command that a page shows is run, here or by the test that its mark names, or says why not. */
import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { completed } from "../../src/commands/completion/completed.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type CommandBlock, commandBlocksOf, pageFiles, pageText, root } from "./pages.ts";
import { Reader } from "./reader.ts";

const blocks = pageFiles.flatMap(commandBlocksOf);
const flagsOf = new Map(
  definitions
    .map(completed)
    .map(({ name, flags }) => [
      name,
      new Set([
        ...["--help", "-h"],
        ...flags.flatMap((flag) => [`--${flag.name}`, ...(flag.short ? [`-${flag.short}`] : [])]),
      ]),
    ]),
);

/** What a page says of other programs. */
const foreignFlags = new Set([
  ...["--save_to", "--multi_file", "--recovery_window", "--reset-wallet-transactions", "--all"],
  ...["--check", "--ignore-missing", "--aws-sigv4", "--user", "--bundle", "--apply", "--out"],
  ...["--certificate-oidc-issuer", "--certificate-identity-regexp", "--include", "--ignore-times"],
  ...["--build-arg", "--network", "--unit", "--kills", "--version"],
  ...["--profile", "--platform", "--namespace", "--now", "--events"],
]);

/** Why a line that calls the program can't be right; null if it can. */
function flaw(line: string): string | null {
  const [, name, rest = ""] = /\bscb-mirror ([a-z]+)\b(.*)$/.exec(line) ?? [];
  if (name === undefined) return null;
  const known = flagsOf.get(name);
  if (known === undefined) return `there is no command ${name}`;
  // Up to what another program gets.
  const own = rest.replace(/[|;&#)].*$/, "").replaceAll(/'[^']*'|"[^"]*"/g, "");
  const wrong = [...own.matchAll(/(?<=\s)--?[a-z][\w-]*/g)].find(([flag]) => !known.has(flag));
  return wrong === undefined ? null : `${name} has no ${wrong[0]}`;
}

describe("the commands of the documentation", () => {
  it("are many, on many pages", () => {
    assert.ok(blocks.length > 40);
    assert.ok(new Set(blocks.map(({ file }) => file)).size > 8);
  });

  it("name only commands and flags that there are", () => {
    const lines = pageFiles.flatMap((file) => {
      const inText = [...pageText(file).matchAll(/`(scb-mirror [^`]*)`/g)];
      return [
        ...inText.map(([, line = ""]) => ({ where: file, line })),
        ...commandBlocksOf(file).flatMap(({ commands, line }) =>
          commands
            .replaceAll(/ \\\n\s*/g, " ")
            .split("\n")
            .map((text) => ({ where: `${file}:${line}`, line: text })),
        ),
      ];
    });
    const flaws = lines.flatMap(({ where, line }) => {
      const what = flaw(line);
      return what === null ? [] : [`${where}: ${what}: ${line}`];
    });
    assert.deepEqual(flaws, []);
    assert.equal(flaw("scb-mirror status --from lnd"), null);
    assert.equal(flaw("scb-mirror statue"), "there is no command statue");
    assert.equal(flaw("scb-mirror list --apply"), "list has no --apply");
  });

  it("name in the text only flags that there are", () => {
    const known = new Set([...flagsOf.values()].flatMap((flags) => [...flags]));
    const wrong = pageFiles.flatMap((file) =>
      [...pageText(file).matchAll(/`[^`\n]*?(?<![\w-])(--[a-z][\w-]+)/g)]
        .map(([, flag = ""]) => flag)
        .filter((flag) => !known.has(flag) && !foreignFlags.has(flag))
        .map((flag) => `${file}: ${flag}`),
    );
    assert.deepEqual(wrong, []);
  });

  it("are run by tests that there are", () => {
    for (const { file, line, mark } of blocks) {
      if (mark.kind !== "run by") continue;
      assert.ok(existsSync(join(root, mark.test)), `${file}:${line}: ${mark.test}`);
    }
  });
});

peerSuite("the commands of the documentation, typed in", ["lnd", "minio"], () => {
  let reader: Reader;
  const pages = Map.groupBy(
    blocks.filter(({ mark }) => mark.kind === "run here"),
    ({ file }) => file,
  );

  before(async () => {
    reader = await Reader.start();
  });
  after(() => reader?.[Symbol.asyncDispose]());

  for (const [file, own] of pages) {
    it(`${file}: ${own.length} blocks`, { timeout: 180_000 }, async () => {
      await reader.follows(own);
    });
  }

  it("a command that fails would be noticed", async () => {
    const [block] = blocks;
    assert.ok(block !== undefined);
    const wrong: CommandBlock = { ...block, commands: "scb-mirror list --to s3://no-such-bucket" };
    await assert.rejects(reader.follows([wrong]), /no-such-bucket/);
  });
});
