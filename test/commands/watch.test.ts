import assert from "node:assert/strict";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { startHttpReceiver } from "../alerts/http-receiver.ts";
import { freePort } from "../peers/free-port.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type CliEvent, runCli, startWatch } from "../support/cli.ts";
import { checkServedStatus } from "../support/json-documents.ts";

const verdictOf =
  (node: string, verdict: string) =>
  (event: CliEvent): boolean =>
    event.event === "verdict" && event["node"] === node && event["verdict"] === verdict;

describe("many nodes in one store", () => {
  let folder: string;
  let to: readonly string[];
  const lostPointer = async (use: () => Promise<void>): Promise<void> => {
    const pointer = join(folder, "bob", "latest.json");
    await rename(pointer, `${folder}.kept`);
    try {
      await use();
    } finally {
      await rename(`${folder}.kept`, pointer);
    }
  };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-watch-"));
    to = ["--to", pathToFileURL(folder).href];
    for (const node of ["alice", "bob"]) {
      const { code } = await runCli(["run", "--from", "demo", "--once", "--node", node, ...to]);
      assert.equal(code, 0);
    }
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("are all in status --all, each as status has it", async () => {
    const all = await runCli(["status", "--all", "--json", ...to]);
    assert.equal(all.code, 0);
    const { nodes } = JSON.parse(all.stdout);
    assert.deepEqual(
      nodes.map(({ node }: { node: string }) => node),
      ["alice", "bob"],
    );
    const one = JSON.parse((await runCli(["status", "--json", "--node", "bob", ...to])).stdout);
    const { readBackAt, ...listed } = nodes[1];
    assert.ok(Date.parse(readBackAt) > 0);
    assert.deepEqual(
      { ...listed, ageSeconds: 0, stores: [] },
      { ...one, ageSeconds: 0, stores: [] },
    );
  });

  it("are in a table, the worst first", () =>
    lostPointer(async () => {
      const { code, stdout } = await runCli(["status", "--all", ...to]);
      assert.equal(code, 3);
      assert.match(
        stdout,
        /^bob +NOT SAFE .*\n {2}pointer-lost: .*\nalice +safe +sequence 1 .*\n2 nodes: 1 not safe\n$/,
      );
    }));

  for (const [wrong, flags] of [
    ["--node", ["--node", "alice"]],
    ["a node source", ["--from", "lnd"]],
    ["a key", ["--key-file", "/dev/null"]],
  ] as const) {
    it(`can't be asked for with ${wrong}`, async () => {
      const { code, stderr, stdout } = await runCli(["status", "--all", ...flags, ...to]);
      assert.deepEqual([code, stdout], [2, ""]);
      assert.match(stderr, /remove --|leave out/);
    });
  }

  it("are none in an empty store, which is told", async () => {
    const empty = pathToFileURL(join(folder, "..", "scb-watch-of-nothing")).href;
    const { code, stdout } = await runCli(["status", "--all", "--to", empty]);
    assert.deepEqual([code, stdout], [1, ""]);
  });

  it("are watched until SIGTERM; whoever wants to be told is told", async () => {
    const receiver = await startHttpReceiver();
    try {
      const port = await freePort();
      const env = {
        SCB_MIRROR_NOTIFY: `${receiver.url}/notify`,
        SCB_MIRROR_HEARTBEAT: `${receiver.url}/ping`,
        SCB_MIRROR_HEARTBEAT_INTERVAL: "1s",
        SCB_MIRROR_NOTIFY_AFTER: "2s",
      };
      const args = [...to, "--interval", "1s", "--listen", String(port)];
      await using watch = startWatch(args, { env });
      const ask = (path: string): Promise<Response> => fetch(`http://127.0.0.1:${port}${path}`);
      const received = (path: string, body: RegExp) =>
        waitFor(
          `${path} ${body}`,
          () => receiver.received.find((one) => one.path === path && body.test(one.body)),
          { timeoutMs: 20_000 },
        );
      await watch.event("started");
      await watch.event(verdictOf("bob", "safe"));
      assert.equal((await ask("/readyz")).status, 200);
      await received("/ping", /^$/);
      await lostPointer(async () => {
        await watch.event(verdictOf("bob", "unsafe"));
        assert.match(await (await ask("/readyz")).text(), /^unsafe\nbob: problem pointer-lost /);
        assert.match(await (await ask("/metrics")).text(), /^scb_mirror_safe\{node="bob"\} 0$/m);
        assert.match(await (await ask("/")).text(), /<h1>Not safe<\/h1>/);
        const told = await received("/notify", /pointer-lost/);
        assert.match(told.body, /scb-mirror status --to \S+ --node bob/);
        await received("/ping/fail", /pointer-lost/);
      });
      const after_ = watch.events.length - 1;
      await watch.event(verdictOf("bob", "safe"), { after: after_ });
      const text = await (await ask("/status.json")).text();
      checkServedStatus("watch", text);
      const { nodes } = JSON.parse(text);
      assert.equal(nodes.length, 2);
      assert.equal(await watch.end("SIGTERM"), 0);
      assert.equal(watch.events.at(-1)?.event, "stopped");
      // Alice's verdict never changed.
      const ofAlice = watch.events.filter((event) => event["node"] === "alice");
      assert.equal(ofAlice.length, 1);
    } finally {
      await receiver.close();
    }
  });

  it("are named once for a store that is away", async () => {
    await using watch = startWatch([...to, "--interval", "1s"]);
    await watch.event(verdictOf("bob", "safe"));
    const seen = watch.events.length;
    await rename(folder, `${folder}-away`);
    try {
      await watch.event("retrying");
    } finally {
      await rename(`${folder}-away`, folder);
    }
    await watch.event("recovered");
    assert.deepEqual(
      watch.events.slice(seen).map(({ event }) => event),
      ["retrying", "recovered"],
    );
  });
});
