import { describe, it } from "node:test";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";
import { type Peer, provision } from "./provision.ts";

/**
 * A `describe` whose tests need real peers. If one of them is unavailable, the tests are skipped,
 * and a message says why and what to install; with CI=true they fail. A peer that isn't
 * cached is built first.
 */
export function peerSuite(
  name: string,
  peers: readonly Peer[],
  fn: () => void | Promise<void>,
): void {
  describe(name, async () => {
    const reason = await whyNot(peers);
    if (reason === null) return fn();
    if (inCi()) {
      it(`needs ${peers.join(", ")}`, () => {
        throw new Error(reason);
      });
      return;
    }
    process.stderr.write(`\n*** NOT TESTED: ${name}\n*** ${reason.replaceAll("\n", "\n*** ")}\n\n`);
    it(`needs ${peers.join(", ")}`, { skip: reason.split("\n")[0] ?? reason });
  });
}

async function whyNot(peers: readonly Peer[]): Promise<string | null> {
  for (const peer of peers) {
    try {
      await provision(peer);
    } catch (error) {
      if (error instanceof PeerUnavailable) return `${peer}: ${error.message}`;
      throw error;
    }
  }
  return null;
}
