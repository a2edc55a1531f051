import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { exportsOf, type PublishedName } from "./published-names.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
const entries = ["index", "backup", "keys", "store", "history", "testing"];
const snapshot: Record<string, readonly string[]> = JSON.parse(
  await readFile(new URL("api-surface.json", import.meta.url), "utf8"),
);

/** As the snapshot has it: types are marked, for they vanish without an error at run time. */
const lineOf = ({ name, isType }: PublishedName): string => (isType ? `type ${name}` : name);

describe("the public API", () => {
  for (const entry of entries) {
    const names = exportsOf(`${root}src/${entry}.ts`);

    it(`of ${entry}.ts is what the snapshot says`, () => {
      // A name that goes, or changes, breaks somebody's program: it belongs in the changelog.
      assert.deepEqual(names.map(lineOf).sort(), snapshot[entry]);
    });

    it(`of ${entry}.ts is documented, each name`, () => {
      const bare = names
        .filter(({ doc }) => doc === null)
        .map(({ name, file }) => `${name} ${file}`);
      assert.deepEqual(bare, []);
    });
  }

  it("has each name in one entry point alone", () => {
    const seen = new Map<string, string>();
    // Types that the users of several need.
    const shared = ["ChannelWithAddrs", "NodeChannels", "Finding", "Verdict"];
    for (const entry of entries) {
      for (const { name } of exportsOf(`${root}src/${entry}.ts`)) {
        if (!shared.includes(name)) assert.equal(seen.get(name), undefined, name);
        seen.set(name, entry);
      }
    }
  });
});
