import assert from "node:assert/strict";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { fakeMacaroon, tlsFile } from "../node/fake-lnd.ts";
import { freePort } from "../peers/free-port.ts";
import { runCli, startRun } from "../support/cli.ts";
import { assertOneLine } from "../support/one-line.ts";

describe("drill on the command line", () => {
  let folder: string;
  let to: readonly string[];
  let key: string;
  let macaroon: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-drill-"));
    to = ["--to", pathToFileURL(join(folder, "store")).href];
    key = await write("key", "5a".repeat(32));
    macaroon = await write("macaroon", fakeMacaroon);
    const demo = ["--from", "demo", "--node", "alice", "--key-file", key];
    const saved = await runCli(["run", "--once", ...demo, ...to]);
    assert.equal(saved.code, 0, saved.stderr);
  });
  after(() => rm(folder, { recursive: true, force: true }));
  const write = async (name: string, content: string | Uint8Array): Promise<string> => {
    const path = join(folder, name);
    await writeFile(path, content, { mode: 0o600 });
    return path;
  };
  const absentLnd = async (): Promise<string[]> => [
    ...["--from", "lnd", "--rpcserver", `127.0.0.1:${await freePort()}`],
    ...["--tlscertpath", tlsFile("fake-lnd.cert.pem"), "--macaroonpath", macaroon],
  ];

  it("prints a verdict, a table, and what was not checked", async () => {
    const { code, stdout, stderr } = await runCli(["drill", "--key-file", key, ...to]);
    assert.equal(code, 0, stderr);
    assert.match(stdout, /^alice: a restore would work\n/);
    assert.match(stdout, /your key can open it: 3 channels/);
    assert.match(stdout, /^CHANNEL POINT +STATE +BACKUP/m);
    assert.match(stdout, /^not checked: .*--from lnd$/m);
    assert.match(stdout, /^recorded as drills\/\w{26}\.json\n$/m);
    assert.equal(stderr, "");
    const status = await runCli(["status", ...to]);
    assert.match(status.stdout, /last drill +\d+ s ago: would-restore/);
  });

  it("never calls unknown good: nothing that could open it", async () => {
    const kept = await readdir(join(folder, "store", "alice", "drills"));
    const { code, stdout } = await runCli(["drill", ...to]);
    assert.equal(code, 3);
    assert.match(stdout, /^alice: NOT known whether a restore would work\n {2}not-opened: /);
    assert.deepEqual(await readdir(join(folder, "store", "alice", "drills")), kept);
  });

  it("never calls unknown good: a node that does not answer", async () => {
    const args = ["drill", "--json", "--key-file", key, ...(await absentLnd()), ...to];
    const { code, stdout } = await runCli(args);
    assert.equal(code, 3);
    const { verdict, problems } = JSON.parse(stdout);
    assert.equal(verdict, "unknown");
    assert.match(problems[0].message, /couldn't be compared .*nothing listens there/);
  });

  it("names the wrong key, and shows nothing of it", async () => {
    const wrong = await write("wrong", "c3".repeat(32));
    const { code, stdout, stderr } = await runCli(["drill", "--key-file", wrong, ...to]);
    assert.equal(code, 3);
    assert.match(stdout, /^alice: a restore would NOT work as it should\n {2}wrong-key: /);
    assert.ok(!`${stdout}${stderr}`.includes("c3".repeat(8)));
  });

  const bad: readonly (readonly [
    string,
    () => Promise<readonly string[]> | readonly string[],
    number,
    RegExp,
  ])[] = [
    ["no store", () => [], 2, /no store is named/],
    ["a proxy without a port", () => [...to, "--dial", "--tor-proxy", "127.0.0.1"], 2, /HOST:PORT/],
    ["a proxy and no dialling", () => [...to, "--tor-proxy", "127.0.0.1:9050"], 2, /needs --dial/],
    ["a key file that is not there", () => [...to, "--key-file", "/nonexistent"], 1, /nonexistent/],
    ["an argument too many", () => [...to, "12"], 2, /too many arguments/],
    ["a store that is not there", () => ["--to", "file:///nonexistent/a/b"], 1, /nonexistent/],
    [
      "two nodes, and the one to ask does not answer",
      async () => {
        const demo = ["--from", "demo", "--node", "bob"];
        assert.equal((await runCli(["run", "--once", ...demo, ...to])).code, 0);
        return [...to, ...(await absentLnd())];
      },
      1,
      /nothing listens there/,
    ],
  ];
  for (const [name, args, code, says] of bad) {
    it(`is one clear line: ${name}`, async () => {
      const result = await runCli(["drill", ...(await args())]);
      assertOneLine(result, code, [says]);
      assert.equal(result.stdout, "");
    });
  }

  it("run tells of its drills, and goes without them where it is told to", async () => {
    const demo = ["--from", "demo", "--node", "carol", "--demo-interval", "1h", ...to];
    await using running = startRun([...demo, "--drill-interval", "300ms"]);
    // One that comes before the first backup is saved finds none, and is repeated.
    const drilled = await running.event(({ event, ok }) => event === "drilled" && ok === true);
    const { verdict, problems, sequence } = drilled;
    assert.deepEqual([verdict, problems, sequence], ["would-restore", [], 1]);
    assert.equal(await running.end(), 0);
    await using quiet = startRun([...demo, "--drill-interval", "off"]);
    await quiet.event("started");
    assert.equal(await quiet.end(), 0);
    const nonsense = await runCli(["run", ...demo, "--drill-interval", "weekly"]);
    assertOneLine(nonsense, 2, [/--drill-interval: must be a duration/]);
  });
});
