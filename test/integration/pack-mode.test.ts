import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { isDeepStrictEqual } from "node:util";
import type { ChannelNotifier } from "../../src/chanbackup/channel-notifier.ts";
import { unpackMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { SubSwapper } from "../../src/chanbackup/sub-swapper.ts";
import type { Encrypter } from "../../src/keychain/encrypter.ts";
import { loadKeyFile } from "../../src/keychain/key-file.ts";
import { PackSwapper } from "../../src/mirror/pack-swapper.ts";
import { resolveLndConfig } from "../../src/node/lnd/lnd-config.ts";
import { LndNode as LndClient } from "../../src/node/lnd/lnd-node.ts";
import { LndSource } from "../../src/node/lnd/lnd-source.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";
import { type LndNetwork, startLndNetwork } from "../peers/lnd-network.ts";
import type { LndNode } from "../peers/lnd-node.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { makeSwapper, readPointer } from "../support/mirror-fixture.ts";

// Pack mode over the channels of a real lnd: its Singles are decoded, held, merged and packed here.
peerSuite("pack mode with a real lnd", ["lnd"], () => {
  let network: LndNetwork;
  let alice: LndNode;
  let folder: string;
  let encrypter: Encrypter;
  let source: LndSource;
  let subSwapper: SubSwapper;
  const store = new MemoryStore();
  const listening = new AbortController();

  const exportedSingles = async (): Promise<readonly Single[]> =>
    unpackMulti(await alice.exportChanBackup(), encrypter).staticBackups;

  /** Tells of closes as events; new channels are handed over as the Singles that lnd has made. */
  const notifier: ChannelNotifier = {
    subscribeChans: (knownChans) => {
      const known = new Set(knownChans);
      async function* chanUpdates() {
        for await (const _ of source.changes(listening.signal)) {
          const singles = await exportedSingles();
          const points = new Set(singles.map((single) => formatOutPoint(single.fundingOutpoint)));
          const closed = [...known].filter((point) => !points.has(point));
          for (const point of closed) known.delete(point);
          for (const point of points) known.add(point);
          if (closed.length > 0) yield { newChans: [], closedChans: closed };
          void subSwapper.manualUpdate(singles);
        }
      }
      return Promise.resolve({
        chanUpdates: chanUpdates(),
        cancel: () => listening.abort(),
      });
    },
  };

  /** Until lnd itself finds exactly its own channels in what was packed here. */
  const untilCovered = async (): Promise<void> => {
    const holdsAll = async (): Promise<true | undefined> => {
      const { version } = await readPointer(store);
      const packed = (await store.get(version.key))?.bytes ?? new Uint8Array();
      const held = await alice.verifyChanBackup(packed);
      return isDeepStrictEqual(held, await alice.channelPoints()) ? true : undefined;
    };
    await waitFor("the packed backup to hold the node's channels", holdsAll, {
      timeoutMs: 60_000,
    });
  };

  before(async () => {
    network = await startLndNetwork({ nodes: [{ name: "alice", wallet: {} }, "bob"] });
    alice = network.node("alice");
    folder = await mkdtemp(join(tmpdir(), "scb-pack-"));
    const words = join(folder, "words");
    await writeFile(words, alice.words.join(" "), { mode: 0o600 });
    const key = await loadKeyFile(words, { network: "simnet", random: systemRandom });
    encrypter = key.encrypter;
    const config = await resolveLndConfig({
      rpcserver: alice.rpcserver,
      tlscertpath: alice.tlsCertPath,
      macaroonpath: alice.adminMacaroonPath,
      network: "simnet",
    });
    source = new LndSource({
      node: new LndClient(config),
      observer: { trouble: () => undefined, recovered: () => undefined },
      clock: systemClock,
      random: systemRandom,
    });
  });
  after(async () => {
    await subSwapper?.stop();
    await source?.close();
    await network?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  it("packs what lnd accepts, from the first channel to the last close", async () => {
    const bob = network.node("bob");
    const first = await network.openChannel(alice, bob, { sat: 1_000_000 });
    const swapper = makeSwapper(store, { clock: systemClock });
    subSwapper = new SubSwapper({
      startingChans: await exportedSingles(),
      notifier,
      encrypter,
      swapper: new PackSwapper({ swapper, store, encrypter }),
      refreshIntervalMs: 3_600_000,
      observer: () => undefined,
      clock: systemClock,
      random: systemRandom,
    });
    subSwapper.start();
    await subSwapper.ready;
    await untilCovered();

    await network.openChannel(bob, alice, { sat: 400_000, type: "taproot" });
    await untilCovered();
    assert.equal((await readPointer(store)).channels, 2);

    await network.closeChannel(alice, first, "coop");
    await network.mine(6);
    await untilCovered();
    assert.equal((await readPointer(store)).channels, 1);
  });
});
