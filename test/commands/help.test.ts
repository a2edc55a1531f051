import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { settingTable } from "../../src/app/settings/table.ts";
import { definitions } from "../../src/commands/definitions.ts";

const main = fileURLToPath(new URL("../../src/commands/main.ts", import.meta.url));

/** Writes the packages that are loaded to stderr, a line each. */
const tracing = `data:text/javascript,${encodeURIComponent(`
  import { registerHooks } from "node:module";
  import { writeSync } from "node:fs";
  registerHooks({
    load(url, context, next) {
      const [, name] = /.*\\/node_modules\\/((?:@[^/]+\\/)?[^/]+)/.exec(url) ?? [];
      if (name !== undefined) writeSync(2, "loads " + name + "\\n");
      return next(url, context);
    },
  });
`)}`;

function run(args: readonly string[]) {
  const { PATH, HOME } = process.env;
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    ["--import", tracing, main, ...args],
    { encoding: "utf8", env: { PATH, HOME } },
  );
  const loaded = new Set(stderr.match(/(?<=^loads ).*$/gm));
  return { status, stdout, loaded: [...loaded] };
}

describe("help", () => {
  for (const { name, settings, options, examples } of definitions) {
    it(`${name}: names each option with its default, and loads nothing else`, () => {
      const { status, stdout, loaded } = run([name, "--help"]);
      assert.equal(status, 0);
      assert.deepEqual(loaded, ["commander"]);
      const help = stdout.replaceAll(/\s+/g, " ");
      for (const [flag, option] of [
        ...settings.map((setting) => [setting, settingTable[setting]] as const),
        ...Object.entries(options),
      ]) {
        const { placeholder } = option;
        const words = option as { default?: string; defaultNote?: string; argument?: string };
        const value = placeholder === null ? undefined : (words.defaultNote ?? words.default);
        const note = value === undefined ? "" : ` (default: ${value})`;
        const place = words.argument === undefined ? `--${flag}` : placeholder;
        const form =
          words.argument !== undefined || placeholder === null ? "" : ` <${placeholder}>`;
        assert.ok(help.includes(`${place}${form} ${option.help}${note} `), flag);
      }
      for (const example of examples) assert.ok(help.includes(`$ scb-mirror ${example}`), example);
      assert.match(help, /Exit codes: 0 done/);
    });
  }

  for (const args of [
    ["--help"],
    [],
    ["lst"],
    ["list", "--bogus"],
    ["list", "--node", "a", "--node=b"],
  ]) {
    it(`"${args.join(" ")}" loads nothing but what reads the command line`, () => {
      assert.deepEqual(run(args).loaded, ["commander"]);
    });
  }
});
