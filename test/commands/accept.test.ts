import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { z } from "zod";
import { runCli, startRun } from "../support/cli.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { assertOneLine } from "../support/one-line.ts";

const acceptedSchema = z.strictObject({
  node: z.literal("alice"),
  sequence: z.number(),
  key: z.string(),
  sha256: z.string(),
  sizeBytes: z.literal(45),
  channels: z.null(),
  accepted: z.string().regex(/^quarantine\/.*\.backup$/),
  code: z.literal("empty"),
  replaced: z.strictObject({ sequence: z.number(), key: z.string() }),
  gone: z.null(),
  poorer: z.null(),
});

describe("scb-mirror accept", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-accept-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A store in which an empty backup was held back. */
  const refusedStore = async () => {
    const root = await mkdtemp(join(folder, "store-"));
    const to = ["--to", pathToFileURL(root).href, "--node", "alice"];
    const file = join(root, "..", `${root.slice(-6)}.backup`);
    const source = ["--from", `file:${file}`, ...to];
    await writeFile(file, packedBytes());
    assert.equal((await runCli(["run", "--once", ...source])).code, 0);
    await writeFile(file, packedBytes(45));
    assert.equal((await runCli(["run", "--once", ...source])).code, 4);
    const status = () => runCli(["status", ...to]);
    return { to, source, file, status };
  };

  it("changes nothing unless somebody says yes, and says what it would do", async () => {
    const { to, status } = await refusedStore();
    for (const json of [[], ["--json"]]) {
      const result = await runCli(["accept", ...json, ...to]);
      assert.equal(result.stdout, "");
      assertOneLine(result, 4, [/add --yes to accept quarantine\/.*would replace sequence 1/]);
    }
    assert.equal((await status()).code, 3);
  });

  it("makes it current, and status is healthy again", async () => {
    const { to, status } = await refusedStore();
    const { code, json, stderr } = await runCli(["accept", "--yes", "--json", ...to]);
    assert.equal(code, 0, stderr);
    assert.equal(stderr, "");
    const accepted = acceptedSchema.parse(json());
    assert.deepEqual([accepted.sequence, accepted.replaced.sequence], [2, 1]);
    assert.equal((await status()).code, 0);
    const list = await runCli(["list", "--json", ...to]);
    assert.match(list.stdout, new RegExp(`"key":"${accepted.replaced.key}"`));
    const again = await runCli(["accept", "--yes", ...to]);
    assert.equal(again.code, 4);
    assert.match(again.stderr, /was against versions\/.*name it: scb-mirror accept quarantine\//);
  });

  it("tells a person what it does", async () => {
    const { to } = await refusedStore();
    const { code, stdout, stderr } = await runCli(["accept", "--yes", ...to]);
    assert.equal(code, 0, stderr);
    assert.match(
      stdout,
      /^accepted: quarantine\/\S+ is now current, as sequence 2; sequence 1 stays/,
    );
    assert.match(stderr, /Why: the node's backup is empty/);
  });

  it("a mirror that runs goes on from what was accepted", async () => {
    const { to, source, file, status } = await refusedStore();
    await using run = startRun(source);
    await run.event("refused");
    assert.equal((await runCli(["accept", "--yes", ...to])).code, 0);
    await writeFile(file, packedBytes(45));
    const { sequence } = await run.event("swapped");
    assert.equal(sequence, 3);
    assert.equal(await run.end(), 0);
    assert.equal((await status()).code, 0);
  });

  const wrong: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ["a name that is none", ["accept", "newest"], 2, /"newest" isn't a quarantined backup/],
    [
      "a name that is not there",
      ["accept", "01JD0000000000000000000000"],
      1,
      /quarantine\/01JD0000000000000000000000\.backup doesn't exist/,
    ],
    ["two names", ["accept", "a", "b"], 2, /too many arguments/],
    ["a bad duration", ["accept", "--timeout", "soon"], 2, /--timeout: must be a duration/],
    [
      "a folder with a pointer as a single writer's",
      ["accept", "--single-writer"],
      2,
      /has a pointer/,
    ],
  ];
  it("says what is wrong, in a line", async () => {
    const { to } = await refusedStore();
    for (const [name, args, expected, says] of wrong) {
      const result = await runCli([...args, "--yes", ...to]);
      assert.equal(result.stdout, "", name);
      assertOneLine(result, expected, [says]);
    }
  });

  it("says so where nothing was held back", async () => {
    const to = ["--to", pathToFileURL(await mkdtemp(join(folder, "store-"))).href];
    const { code, stderr } = await runCli(["accept", "--yes", ...to, "--node", "alice"]);
    assert.equal(code, 1);
    assert.match(stderr, /no refused backup is kept/);
  });
});
