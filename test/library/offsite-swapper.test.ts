import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { newSingle } from "../../src/chanbackup/new-single.ts";
import type { NodeChannels } from "../../src/chanbackup/node-channels.ts";
import { packMulti } from "../../src/chanbackup/packed-multi.ts";
import type { Single } from "../../src/chanbackup/single.ts";
import { backupKeyEncrypter } from "../../src/keychain/encrypter.ts";
import {
  type OffsiteSwapperOptions,
  openOffsiteSwapper,
} from "../../src/mirror/offsite-swapper.ts";
import { demoChannel } from "../../src/node/demo-channel.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import { MemoryStore } from "../../src/store/memory-store.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { formatOutPoint } from "../../src/wire/out-point.ts";

const encrypter = backupKeyEncrypter(new Uint8Array(32).fill(3));
const channels = Array.from({ length: 3 }, () => newSingle(demoChannel()));
const pointsOf = (singles: readonly Single[]): string[] =>
  singles.map(({ fundingOutpoint }) => formatOutPoint(fundingOutpoint));
const packed = (staticBackups: readonly Single[]) =>
  packMulti({ version: 0, staticBackups }, encrypter);

function open(to: ObjectStore, options: Partial<OffsiteSwapperOptions> = {}) {
  return openOffsiteSwapper({ to, node: "me", encrypter, logger: silentLogger, ...options });
}

async function save(to: ObjectStore, singles: readonly Single[], options = {}) {
  await using swapper = await open(to, options);
  await swapper.extractMulti(encrypter);
  await swapper.updateAndSwap(packed(singles));
  return swapper.lastCommit;
}

describe("an offsite swapper", () => {
  it("says where it writes and what it has committed", async () => {
    const store = new MemoryStore();
    await using swapper = await open(store);
    assert.equal(swapper.location, "memory:/me");
    assert.equal(swapper.lastCommit, null);
    const commit = await save(store, channels);
    assert.equal(commit?.sequence, 1);
    assert.equal(commit?.channels, 3);
    assert.ok((await store.get(`me/${commit?.key}`)) !== null);
  });

  it("leaves a store open that the program has opened", async () => {
    const store = new MemoryStore();
    let closed = 0;
    store.close = async () => {
      closed += 1;
    };
    const swapper = await open(store);
    await swapper.close();
    await swapper.close();
    await assert.rejects(open(store, { node: "../up" }), { code: "usage" });
    assert.equal(closed, 0);
  });

  it("refuses a folder that another node has written", async () => {
    const store = new MemoryStore();
    const identity = { pubkey: `02${"11".repeat(32)}`, network: "mainnet" } as const;
    await save(store, channels, { identity });
    const other = { pubkey: `03${"22".repeat(32)}`, network: "mainnet" } as const;
    await assert.rejects(open(store, { identity: other }), { code: "wrong-node" });
    await assert.rejects(open(store, { identity: { ...identity, network: "regtest" } }), {
      code: "wrong-node",
    });
    await save(store, channels, { identity });
  });

  describe("with channels to ask", () => {
    const node = (closed: readonly Single[]): NodeChannels => ({
      openChannelPoints: async () => [],
      closedChannelPoints: async () => pointsOf(closed),
    });

    it("drops none that the node doesn't call closed, though it was reported so", async () => {
      const store = new MemoryStore();
      await save(store, channels);
      const fewer = channels.slice(1);
      await assert.rejects(save(store, fewer, { channels: node([]) }), { code: "refused" });
      await save(store, fewer, { channels: node(channels.slice(0, 1)) });
    });

    it("empties the backup only if each was closed", async () => {
      const store = new MemoryStore();
      await save(store, channels);
      const some = node(channels.slice(1));
      await assert.rejects(save(store, [], { channels: some }), { code: "refused" });
      await save(store, [], { channels: node(channels) });
    });

    it("commits nothing while the node can't tell", async () => {
      const store = new MemoryStore();
      await save(store, channels);
      const away: NodeChannels = {
        openChannelPoints: async () => [],
        closedChannelPoints: async () => {
          throw new ScbError("node-unavailable", "it starts");
        },
      };
      await assert.rejects(save(store, channels.slice(1), { channels: away }), {
        code: "node-unavailable",
      });
      await using swapper = await open(store);
      assert.equal((await swapper.extractMulti(encrypter))?.staticBackups.length, 3);
    });
  });
});
