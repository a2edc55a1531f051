import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { environmentName } from "../../src/app/settings/environment.ts";
import type { Option } from "../../src/app/settings/option.ts";
import { settingTable } from "../../src/app/settings/table.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { cliPath } from "../support/cli.ts";
import { runInProcess } from "../support/in-process.ts";
import { plantedSecrets } from "../support/planted-secrets.ts";

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "scb-secrets-"));
});
after(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function fileOf(text: string): Promise<string> {
  files += 1;
  const path = join(folder, `file-${files}`);
  await writeFile(path, text);
  return path;
}

for (const { name: secretName, text: secret, pieces } of plantedSecrets) {
  const assertKept = (told: string, where: string): void => {
    assert.notEqual(told, "", where);
    for (const piece of [secret, ...pieces]) {
      assert.ok(!told.toLowerCase().includes(piece.toLowerCase()), `${where}: ${told}`);
    }
  };
  const assertRefused = async (
    args: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<void> => {
    const { code, told } = await runInProcess(args, environment);
    const where = JSON.stringify({ args, environment });
    assert.equal(code, 2, where);
    assertKept(told.join("\n"), where);
  };

  describe(`${secretName}, put where it does not belong`, () => {
    const settings: readonly (readonly [string, Option])[] = Object.entries(settingTable);
    for (const [setting, { isSecret, placeholder }] of settings) {
      if (isSecret === true) continue;
      it(`as ${setting}: is refused, and never repeated`, async () => {
        const variable = environmentName(setting);
        await assertRefused(["list"], { [variable]: secret });
        await assertRefused(["list"], { [variable]: `file:${secret}` });
        await assertRefused(["list"], { [`${variable}_FILE`]: secret });
        await assertRefused(["list"], { [`${variable}_FILE`]: await fileOf(`${secret}\n`) });
        const config = await fileOf(`${setting}: ${JSON.stringify(secret)}\n`);
        await assertRefused(["list", "--config", config]);
        const command = definitions.find(({ settings: taken }) =>
          taken.some((name) => name === setting),
        );
        assert.ok(command !== undefined);
        if (placeholder === null) return;
        const required = Object.values(command.options).filter(
          ({ argument }) => argument === "required",
        );
        const args = [command.name, ...required.map(() => "x")];
        await assertRefused([...args, `--${setting}`, secret]);
        await assertRefused([...args, `--${setting}=${secret}`]);
      });
    }

    for (const { name, options } of definitions) {
      it(`as an option or argument of ${name}: is refused, and never repeated`, async () => {
        const own = Object.entries(options);
        const places = own.filter(([, { argument }]) => argument !== undefined);
        for (const [at] of places.entries()) {
          await assertRefused([name, ...places.map((_, other) => (at === other ? secret : "x"))]);
        }
        const required = places.filter(([, { argument }]) => argument === "required");
        const args = [name, ...required.map(() => "x")];
        for (const [flag, { placeholder, argument }] of own) {
          if (placeholder !== null && argument === undefined) {
            await assertRefused([...args, `--${flag}`, secret]);
          }
        }
        await assertRefused([...args, "--unheard-of", secret]);
        await assertRefused([...args, `--unheard-of=${secret}`]);
        await assertRefused([...args, `--${secret}`]);
        await assertRefused([...args, `-x${secret}`]);
        await assertRefused([...args, "x", "x", secret]);
        await assertRefused([...args, "x", "x", ...secret.split(" ")]);
      });
    }

    it("as a command", async () => {
      await assertRefused([secret]);
      await assertRefused(secret.split(" "));
      await assertRefused([`--${secret}`]);
    });

    it("as a file of settings, or in one where it is no value", async () => {
      for (const text of [
        secret,
        `- ${secret}`,
        `${JSON.stringify(secret)}: x`,
        `"${secret}": {`,
        `to: *${secret.replaceAll(" ", "_")}`,
        `to: !${secret} x`,
        `to: ${secret}\nto: ${secret}`,
      ]) {
        await assertRefused(["list", "--config", await fileOf(text)]);
      }
    });

    it("as the name of a variable", async () => {
      await assertRefused(["list"], { [`SCB_MIRROR_${secret}`]: "x" });
    });

    it("as what does hold a secret: is named in no message, log or JSON", async () => {
      const store = pathToFileURL(join(folder, "store")).href;
      const { PATH, HOME } = process.env;
      for (const [command, ...more] of [
        ["run", "--once", "--timeout", "1s", "--to", store],
        ["status", "--to", store, "--from", "lnd"],
        ["doctor", "--to", store, "--from", "lnd", "--timeout", "1s"],
        ["key", "--from", "lnd"],
      ] as const) {
        const { stdout, stderr, status } = spawnSync(
          process.execPath,
          [cliPath, command, ...more, "--json", "--lndconnect", secret],
          { env: { PATH, HOME, SCB_MIRROR_LOG_LEVEL: "debug" }, encoding: "utf8" },
        );
        assert.notEqual(status, 0);
        assertKept(`${stdout}${stderr}`, command);
      }
    });
  });
}

it("what may be a passphrase, in place of its file, is not repeated", async () => {
  const words = await fileOf("above ".repeat(24));
  const { code, told } = await runInProcess([
    "key",
    ...["--key-file", words, "--passphrase-file", "correct horse"],
  ]);
  assert.equal(code, 1);
  assert.match(told.join(), /: passphrase file: there is no such file$/);
});
