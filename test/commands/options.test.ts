import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { type Option, readOptions } from "../../src/app/settings/option.ts";
import { settingNames, settingTable } from "../../src/app/settings/table.ts";
import { definitions } from "../../src/commands/definitions.ts";
import { runInProcess } from "../support/in-process.ts";

/** Ends every command before it acts. */
const stopping = { SCB_MIRROR_MAX_AGE: "soon" };

describe("every option", () => {
  for (const { name, settings, options } of definitions) {
    const flags: readonly (readonly [string, Option])[] = [
      ...settings.map((setting) => [setting, settingTable[setting]] as const),
      ...Object.entries(options).filter(([, { argument }]) => argument === undefined),
    ];
    const required = Object.values(options).filter(({ argument }) => argument === "required");
    const command = [name, ...required.map(() => "x")];

    it(`${name}: one that takes a value is refused if it is given twice`, async () => {
      for (const [flag, { placeholder, short, repeats }] of flags) {
        if (placeholder === null || repeats === true) continue;
        const second = short === undefined ? `--${flag}` : `-${short}`;
        for (const args of [
          [`--${flag}`, "first", second, "second"],
          [`--${flag}=same`, second, "same"],
        ]) {
          const { code, told } = await runInProcess([...command, ...args], stopping);
          assert.equal(code, 2, flag);
          assert.deepEqual(told, [
            `scb-mirror: --${flag} is given twice, but takes only one value`,
          ]);
        }
      }
    });

    it(`${name}: a switch may be given twice`, async () => {
      for (const [flag, { placeholder }] of flags) {
        if (placeholder !== null) continue;
        const { code, told } = await runInProcess([...command, `--${flag}`, `--${flag}`], stopping);
        assert.equal(code, 2, flag);
        assert.match(told.join(), /SCB_MIRROR_MAX_AGE/);
      }
    });

    it(`${name}: one that takes several values takes them`, async () => {
      for (const [flag, { repeats }] of flags) {
        if (repeats !== true) continue;
        const twice = [`--${flag}`, "a", `--${flag}=b`];
        const { code, told } = await runInProcess([...command, ...twice], stopping);
        assert.equal(code, 2, flag);
        assert.match(told.join(), /SCB_MIRROR_MAX_AGE/);
        for (const values of [
          ["", "b"],
          ["a", ""],
        ]) {
          const args = values.flatMap((value) => [`--${flag}`, value]);
          const { told: why } = await runInProcess([...command, ...args]);
          assert.match(why.join(), new RegExp(`--${flag}: must not be empty$`));
        }
      }
    });

    it(`${name}: each default is a value that the option takes, and no two share a name`, () => {
      readOptions(options, new Map());
      const own = Object.keys(options);
      assert.deepEqual(
        own.filter((each) => settingNames.some((setting) => setting === each)),
        [],
      );
    });

    it(`${name}: an empty value is wrong usage`, async () => {
      for (const [flag, { placeholder }] of flags) {
        if (placeholder === null) continue;
        const { code, told } = await runInProcess([...command, `--${flag}`, ""]);
        assert.equal(code, 2, flag);
        assert.match(told.join(), new RegExp(`--${flag}: must not be empty$`));
      }
    });
  }
});
