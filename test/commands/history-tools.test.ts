import assert from "node:assert/strict";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import { runCli } from "../support/cli.ts";
import { makeSwapper, swapOnce } from "../support/mirror-fixture.ts";

describe("verify, repair, prune and list, as a user meets them", () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-cli-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  /** A store with so many versions of the node alice. */
  async function newHistory(commits: number) {
    const path = await mkdtemp(join(folder, "store-"));
    const url = pathToFileURL(path).href;
    await using root = Object.assign(
      await openStore(parseLocation(url), { logger: silentLogger }),
      { [Symbol.asyncDispose]: () => root.close() },
    );
    const swapper = makeSwapper(prefixedStore(root, "alice"));
    for (let n = 0; n < commits; n += 1) await swapOnce(swapper);
    const node = join(path, "alice");
    const versions = async (): Promise<string[]> =>
      (await readdir(join(node, "versions"))).filter((name) => !name.startsWith(".")).sort();
    return { url, node, versions };
  }

  it("help shows examples and exit codes, and says what needs care", async () => {
    for (const [command, says] of [
      ["verify", /vouches\s+only\s+for\s+what\s+it\s+read/],
      ["repair", /never\s+guesses/],
      ["prune", /separate\s+credential/],
      ["list", /--limit/],
    ] as const) {
      const { code, stdout, stderr } = await runCli([command, "--help"]);
      assert.equal(code, 0);
      assert.match(stdout, /Examples:\n {2}\$ scb-mirror /);
      assert.match(stdout, /Exit codes: 0 done/);
      assert.match(stdout, says);
      assert.equal(stderr, "");
    }
  });

  const wrong: readonly [readonly string[], RegExp][] = [
    [["prune"], /what to keep/],
    [["prune", "--keep-last", "0"], /what to keep/],
    [["prune", "--keep-last", "many"], /--keep-last: must be a whole number/],
    [["prune", "--keep-daily", "-1"], /--keep-daily/],
    [["prune", "--keep-within", "soon"], /--keep-within: must be a time such as/],
    [["verify", "--sample", "0"], /--sample/],
    [["verify", "--since", "yesterday"], /--since: must be a sequence such as 41, or a time/],
    [["list", "--limit", "0"], /--limit/],
  ];
  for (const [args, message] of wrong) {
    it(`${args.join(" ")} is wrong usage`, async () => {
      const { code, stdout, stderr } = await runCli([...args, "--to", pathToFileURL(folder).href]);
      assert.match(stderr, message);
      assert.equal(stderr.trimEnd().split("\n").length, 1, stderr);
      assert.equal(stdout, "");
      assert.equal(code, 2);
    });
  }

  it("prune plans, prunes with --apply, and leaves a history that verifies", async () => {
    const { url, versions } = await newHistory(7);
    const all = await versions();
    const args = ["prune", "--to", url, "--keep-last", "3"];
    const plan = await runCli(args);
    assert.equal(plan.code, 0);
    assert.match(plan.stdout, /4 of 7 versions would go .*; nothing was changed/);
    assert.match(plan.stdout, /--apply/);
    assert.deepEqual(await versions(), all);
    const applied = await runCli([...args, "--apply", "--json"]);
    assert.equal(applied.code, 0);
    const report = applied.json() as Record<"keep" | "remove", { key: string }[]>;
    const facts = { node: "alice", applied: true };
    assert.deepEqual({ ...report, ...facts }, report);
    assert.deepEqual(
      report.keep.map(({ key }) => key.slice("versions/".length)),
      all.slice(4).reverse(),
    );
    assert.deepEqual(
      report.remove.map((one) => Object.keys(one)),
      Array(4).fill(["key", "sequence", "sizeBytes", "createdAt", "orphan", "outcome", "message"]),
    );
    assert.deepEqual(await versions(), all.slice(4));
    const verify = await runCli(["verify", "--to", url, "--json"]);
    assert.equal(verify.code, 0);
    assert.deepEqual(verify.json(), {
      ok: true,
      checked: 3,
      problems: [],
      node: "alice",
      total: 3,
      verdict: "safe",
      findings: [],
      also: [],
      openedBy: null,
      notes: [],
    });
    assert.equal((await runCli(["restore", "5", "--to", url, "-o", "-"])).code, 0);
    assert.equal((await runCli(["restore", "4", "--to", url, "-o", "-"])).code, 1);
    const again = await runCli([...args, "--apply"]);
    assert.match(again.stdout, /0 versions removed \(0 B\), 3 are left/);
  });

  it("verify finds what is wrong and exits with 3", async () => {
    const { url, node, versions } = await newHistory(4);
    const [, second = ""] = await versions();
    await writeFile(join(node, "versions", second), "rotten");
    const { code, stdout } = await runCli(["verify", "--to", url]);
    assert.equal(code, 3);
    assert.match(stdout, /alice: PROBLEMS; all 4 versions were read back/);
    assert.match(stdout, new RegExp(`version-damaged: versions/${second}.*don't restore from it`));
    const json = await runCli(["verify", "--to", url, "--json"]);
    assert.equal(json.code, 3);
    const { ok, problems } = json.json() as { ok: boolean; problems: Record<string, string>[] };
    assert.equal(ok, false);
    assert.deepEqual(
      problems.map(({ key, code: problem }) => [key, problem]),
      [[`versions/${second}`, "version-damaged"]],
    );
    const newer = await runCli(["verify", "--to", url, "--since", "3"]);
    assert.equal(newer.code, 0, "what was not asked for is not checked");
  });

  it("repair shows what it would do, and does it with --apply", async () => {
    const { url, node, versions } = await newHistory(3);
    const pointer = join(node, "latest.json");
    assert.match((await runCli(["repair", "--to", url])).stdout, /nothing to repair/);
    await rm(pointer);
    const run = await runCli(["status", "--to", url]);
    assert.match(run.stdout, /scb-mirror repair/);
    const plan = await runCli(["repair", "--to", url]);
    assert.equal(plan.code, 3);
    const [newest = ""] = (await versions()).slice(-1);
    assert.match(plan.stdout, new RegExp(`must name versions/${newest}.*--apply`));
    await assert.rejects(readFile(pointer));
    const applied = await runCli(["repair", "--to", url, "--apply", "--json"]);
    assert.equal(applied.code, 0);
    const { applied: done, state, target } = applied.json() as Record<string, unknown>;
    assert.deepEqual([done, state], [true, "lost"]);
    assert.equal((target as { key: string }).key, `versions/${newest}`);
    assert.equal((await runCli(["verify", "--to", url])).code, 0);
  });

  it("repair does not choose between two histories", async () => {
    const { url, node, versions } = await newHistory(3);
    const [newest = ""] = (await versions()).slice(-1);
    const rival = newest.replace(
      /.\.backup$/,
      (end) => (end[0] === "0" ? "1" : "0") + end.slice(1),
    );
    const bytes = await readFile(join(node, "versions", newest));
    await writeFile(join(node, "versions", rival), bytes);
    await rm(join(node, "latest.json"));
    const { code, stdout } = await runCli(["repair", "--to", url, "--apply"]);
    assert.equal(code, 4);
    for (const name of [newest, rival]) assert.ok(stdout.includes(name));
    assert.match(stdout, /--to-version/);
    await assert.rejects(readFile(join(node, "latest.json")));
    const chosen = await runCli(["repair", "--to", url, "--to-version", `versions/${newest}`]);
    assert.equal(chosen.code, 3);
    const applied = ["repair", "--to", url, "--to-version", `versions/${newest}`, "--apply"];
    assert.equal((await runCli(applied)).code, 0);
  });

  it("list shows the newest, and tells how many there are", async () => {
    const { url } = await newHistory(5);
    const json = await runCli(["list", "--to", url, "--json", "--limit", "2"]);
    const { total, versions } = json.json() as { total: number; versions: { sequence: number }[] };
    assert.equal(total, 5);
    assert.deepEqual(
      versions.map(({ sequence }) => sequence),
      [5, 4],
    );
    const text = await runCli(["list", "--to", url, "--limit", "2"]);
    assert.match(text.stdout, /3 older versions aren't shown/);
  });
});
