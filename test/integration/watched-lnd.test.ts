import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { pathToFileURL } from "node:url";
import { freePort } from "../peers/free-port.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type RunningCli, startRun } from "../support/cli.ts";
import { bakeLeastPrivilege } from "../support/lnd-mirror.ts";

// The mirror of a real lnd, with the macaroon that an operator bakes, as Prometheus and people see it.
peerSuite("a watched mirror of a real node", ["lnd"], () => {
  let network: LndNetwork;
  let alice: LndNode;
  let bob: LndNode;
  let folder: string;
  let port: number;
  let run: RunningCli;
  const channels: string[] = [];

  before(async () => {
    network = await startLndNetwork({ nodes: ["alice", "bob"] });
    alice = network.node("alice");
    bob = network.node("bob");
    for (const sat of [500_000, 700_000]) {
      channels.push(await network.openChannel(alice, bob, { sat, type: "anchors" }));
    }
    folder = await mkdtemp(join(tmpdir(), "scb-watched-"));
    port = await freePort();
    run = startRun([
      ...["--from", "lnd", "--rpcserver", alice.rpcserver, "--network", "simnet"],
      ...["--tlscertpath", alice.tlsCertPath, "--macaroonpath", await bakeLeastPrivilege(alice)],
      ...["--to", pathToFileURL(join(folder, "store")).href, "--listen", String(port)],
    ]);
    await run.event(({ event, verdict }) => event === "verdict" && verdict === "safe");
  });
  after(async () => {
    await run?.[Symbol.asyncDispose]();
    await network?.[Symbol.asyncDispose]();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  const ask = async (path: string): Promise<string> =>
    (await fetch(`http://127.0.0.1:${port}${path}`)).text();

  async function channelCounts(): Promise<Readonly<Record<string, number>>> {
    const found = (await ask("/metrics")).matchAll(
      /^scb_mirror_channels\{.*state="(\w+)"\} (\d+)$/gm,
    );
    return Object.fromEntries([...found].map(([, state, count]) => [state, Number(count)]));
  }

  async function untilCounts(expected: Readonly<Record<string, number>>): Promise<void> {
    let last: Readonly<Record<string, number>> = {};
    await waitFor(
      `${JSON.stringify(expected)}`,
      async () => {
        last = await channelCounts();
        const isSo = Object.entries(expected).every(([state, count]) => last[state] === count);
        return isSo ? true : undefined;
      },
      { timeoutMs: 60_000, details: () => JSON.stringify(last) },
    );
  }

  async function pageText(): Promise<string> {
    return (await ask("/")).replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
  }

  it("names its channels, and the sats that a restore would bring back", async () => {
    await untilCounts({ open: 2, covered: 2, missing: 0, limbo: 0 });
    const text = await pageText();
    assert.match(text, /Covers all 2 channels/);
    // What alice put in, less the fees of the commitments and the anchors.
    const [, sats = ""] = /Covered ([\d,]+) sat/.exec(text) ?? [];
    const covered = Number(sats.replaceAll(",", ""));
    assert.ok(covered > 1_180_000 && covered < 1_200_000, sats);
  });

  it("still covers a channel that is force closed, as funds in limbo", async () => {
    await network.closeChannel(alice, channels[0] ?? "", "force");
    await network.mine(1);
    await untilCounts({ open: 1, limbo: 1, covered: 2, missing: 0 });
    assert.match(await pageText(), /In limbo 1 channel, [4-5]\d\d,\d{3} sat/);
    assert.equal((await fetch(`http://127.0.0.1:${port}/readyz`)).status, 200);
  });

  it("says that the node is away, and isn't safe then", async () => {
    await alice.stop();
    await waitFor(
      "the node's absence",
      async () =>
        /^scb_mirror_node_connected\{.*\} 0$/m.test(await ask("/metrics")) ? true : undefined,
      { timeoutMs: 60_000 },
    );
    const ready = await fetch(`http://127.0.0.1:${port}/readyz`);
    assert.equal(ready.status, 503);
    assert.match(await ready.text(), /^unknown\nunknown node-unread/);
    assert.match(await pageText(), /Not known.*--from lnd/);
  });
});
