import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { settingTable } from "../../src/app/settings/table.ts";
import { completionShells } from "../../src/commands/completion/shells.ts";
import { completionScript } from "../../src/commands/completion.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { peerSuite } from "../peers/peer-suite.ts";

let folder: string;
before(() => {
  folder = mkdtempSync(join(tmpdir(), "scb-completion-"));
  for (const shell of completionShells) {
    writeFileSync(join(folder, shell), completionScript(shell, definitions));
  }
  writeFileSync(join(folder, "words of mine.txt"), "");
});
after(() => rmSync(folder, { recursive: true, force: true }));

function run(shell: string, args: readonly string[]): string {
  const { PATH } = process.env;
  const { stdout, stderr, status } = spawnSync(shell, args, {
    ...{ cwd: folder, encoding: "utf8", timeout: 30_000 },
    env: { PATH, HOME: folder, TERM: "dumb" },
  });
  assert.equal(status, 0, stderr);
  assert.equal(stderr, "");
  return stdout;
}

/** What bash offers for the last of `words`. */
function inBash(...words: readonly string[]): string[] {
  const script = `
    compopt() { :; }
    source ./bash
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
    _scb_mirror
    printf '%s\\n' "\${COMPREPLY[@]}"`;
  const output = run("bash", ["-c", script, "bash", "scb-mirror", ...words]);
  return output.split("\n").filter((line) => line !== "");
}

/** What fish offers at the end of `line`, without the descriptions. */
function inFish(line: string): string[] {
  const script = `source ./fish; complete -C ${JSON.stringify(line)}`;
  const lines = run("fish", ["--no-config", "-c", script]).split("\n");
  return lines.map((each) => each.split("\t")[0] ?? "").filter((each) => each !== "");
}

/** Types `line` and a tab at a zsh, and waits until its screen shows `expected`. */
function inZsh(line: string, expected: string): void {
  const script = `
    zmodload zsh/zpty
    zpty inner zsh -f -i
    zpty -w inner "PS1= ; autoload -Uz compinit; compinit -u -D; source ./zsh; echo lo''aded"
    zpty -r inner output '*loaded*' || exit 1
    zpty -w -n inner $'${line.replaceAll("'", "\\'")}\\t'
    zpty -r inner output '*${expected}*' || exit 1
    zpty -d inner`;
  run("zsh", ["-f", "-c", script]);
}

const commandNames = definitions.map(({ name }) => name);
const flagsOf = ({ settings, options }: (typeof definitions)[number]): string[] => [
  ...settings.map((setting) => `--${setting}`),
  ...Object.entries(options).flatMap(([name, option]) =>
    option.argument === undefined ? [`--${name}`] : [],
  ),
];

describe("completion in bash", () => {
  it("offers the commands", () => {
    assert.deepEqual(inBash(""), ["help", ...commandNames, "--help", "--version"]);
    assert.deepEqual(
      inBash("re"),
      commandNames.filter((name) => name.startsWith("re")),
    );
  });

  for (const definition of definitions) {
    it(`offers the flags of ${definition.name}, each`, () => {
      const offered = inBash(definition.name, "--");
      assert.deepEqual(offered, [...flagsOf(definition), "--help"]);
    });
  }

  it("offers what a flag takes, in both spellings", () => {
    assert.deepEqual(inBash("run", "--network", "sim"), ["simnet"]);
    assert.deepEqual(inBash("run", "--network", "=", "sim"), ["simnet"]);
    assert.deepEqual(inBash("run", "--network", "="), [...settingTable.network.values]);
    assert.deepEqual(inBash("completion", ""), [...completionShells, "--json", "--help"]);
    // Paths are bash's own, where the script offers nothing.
    assert.deepEqual(inBash("run", "--key-file", ""), []);
    assert.deepEqual(inBash("restore", "-o", ""), []);
  });
});

peerSuite("completion in zsh and fish", ["shells"], () => {
  it("fish offers commands, flags, values and paths", () => {
    const offered = inFish("scb-mirror ");
    for (const name of commandNames) assert.ok(offered.includes(name), name);
    for (const definition of definitions) {
      const flags = inFish(`scb-mirror ${definition.name} --`);
      for (const flag of flagsOf(definition)) assert.ok(flags.includes(flag), flag);
    }
    assert.deepEqual(inFish("scb-mirror run --network sim"), ["simnet"]);
    assert.deepEqual(inFish("scb-mirror run --key-file wor"), ["words of mine.txt"]);
    assert.deepEqual(inFish("scb-mirror run --node wor"), []);
    assert.deepEqual(inFish("scb-mirror completion f"), ["fish"]);
  });

  it("zsh offers commands, flags, values and paths", () => {
    inZsh("scb-mirror compl", "completion");
    inZsh("scb-mirror run --netw", "--network");
    inZsh("scb-mirror run --network sim", "simnet");
    inZsh("scb-mirror run --key-file=wor", "words\\\\ of\\\\ mine.txt");
    inZsh("scb-mirror restore --to-", "--to-lnd");
    inZsh("scb-mirror completion f", "fish");
  });
});
