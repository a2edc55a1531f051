import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileCredentials } from "../../src/node/lnd/credentials.ts";
import { defaultLndTiming, type LndTiming } from "../../src/node/lnd/lnd-connection.ts";
import { LndNode } from "../../src/node/lnd/lnd-node.ts";
import { LndSource, type LndSourceTiming } from "../../src/node/lnd/lnd-source.ts";
import { systemClock } from "../../src/runtime/clock.ts";
import type { HostAndPort } from "../../src/runtime/host-and-port.ts";
import { systemRandom } from "../../src/runtime/random.ts";
import { FakeLnd, fakeMacaroon, tlsFile } from "./fake-lnd.ts";
import { Heard } from "./source-probe.ts";

/** Quick enough for tests: what takes seconds takes milliseconds. */
export const quick: Required<LndSourceTiming> = {
  followUpMs: 50,
  livenessIntervalMs: 60_000,
  stableAfterMs: 60_000,
  backoff: { firstMs: 5, maxMs: 40 },
};

/** A fake lnd that runs, what a client of it needs, and a folder for files. */
export interface FakeSetup extends AsyncDisposable {
  readonly lnd: FakeLnd;
  readonly folder: string;
  readonly macaroonPath: string;
  readonly heard: Heard;
  node(options?: {
    address?: string;
    certificate?: string;
    socksProxy?: HostAndPort;
    timing?: Partial<LndTiming>;
  }): LndNode;
  source(timing?: Partial<LndSourceTiming>, node?: LndNode): LndSource;
}

export async function fakeSetup(certificate?: string): Promise<FakeSetup> {
  const lnd = new FakeLnd();
  await lnd.start(certificate);
  const folder = await mkdtemp(join(tmpdir(), "scb-node-"));
  const macaroonPath = join(folder, "test.macaroon");
  await writeFile(macaroonPath, fakeMacaroon);
  const heard = new Heard();
  const nodes: LndNode[] = [];
  const setup: FakeSetup = {
    lnd,
    folder,
    macaroonPath,
    heard,
    node({ address = lnd.address, certificate = "fake-lnd", socksProxy, timing = {} } = {}) {
      const credentials = fileCredentials(tlsFile(`${certificate}.cert.pem`), macaroonPath);
      const node = new LndNode(
        { address, credentials, socksProxy, network: "regtest" },
        { ...defaultLndTiming, callTimeoutMs: 2_000, ...timing },
      );
      nodes.push(node);
      return node;
    },
    source(timing = {}, node = setup.node()) {
      const parts = { observer: heard, clock: systemClock, random: systemRandom };
      return new LndSource({ ...quick, ...timing, ...parts, node });
    },
    async [Symbol.asyncDispose]() {
      for (const node of nodes) node.close();
      await lnd.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
  return setup;
}
