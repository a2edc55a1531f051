import { emptyMultiSizeBytes } from "../../src/chanbackup/packed-multi.ts";
import { RefusedError } from "../../src/chanbackup/refused-error.ts";
import type { LimboChannel, NodeWitness } from "../../src/chanbackup/snapshot.ts";
import { newCandidate } from "../../src/mirror/candidate.ts";
import type { StateSwapper } from "../../src/mirror/state-swapper.ts";
import { sha256Hex } from "../../src/runtime/digest.ts";
import { ScbError } from "../../src/runtime/error.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { makeSwapper, mirrorPartsFor, packedBytes } from "./mirror-fixture.ts";

/** A node whose channels, and answers about them, the test sets. It decrypts only what it packed itself. */
export class ScriptedNode implements NodeWitness {
  closed: readonly string[] = [];
  limbo: readonly LimboChannel[] = [];
  /** While set, every question throws this. */
  failure: ScbError | null = null;
  readonly asked: string[] = [];
  readonly #packed = new Map<string, { points: readonly string[]; bare: readonly string[] }>();

  candidate(
    points: readonly string[],
    { bare = [], by = "lnd" }: { bare?: readonly string[]; by?: "lnd" | "key" } = {},
  ) {
    const packed = packedBytes(
      points.length === 0 ? emptyMultiSizeBytes : 45 + 400 * points.length,
    );
    this.#packed.set(sha256Hex(packed), { points, bare });
    const contents = { channelPoints: points, bareChannelPoints: bare };
    return newCandidate(packed, contents, by, by === "lnd" ? this.limbo : null);
  }

  readonly inspect = async (packed: Uint8Array) => {
    const { points, bare } = this.#opened(packed);
    return { channelPoints: points, bareChannelPoints: bare, verifiedBy: "key" as const };
  };

  openChannelPoints(): Promise<readonly string[]> {
    throw new Error("no guard asks for this");
  }

  async channelPointsOf(packed: Uint8Array): Promise<readonly string[]> {
    this.#hear("open");
    return this.#opened(packed).points;
  }

  async closedChannelPoints(): Promise<readonly string[]> {
    this.#hear("closed");
    return this.closed;
  }

  async limboChannels(): Promise<readonly LimboChannel[]> {
    this.#hear("limbo");
    return this.limbo;
  }

  #hear(question: string): void {
    this.asked.push(question);
    if (this.failure !== null) throw this.failure;
  }

  #opened(packed: Uint8Array) {
    const found = this.#packed.get(sha256Hex(packed));
    if (found === undefined) throw new ScbError("decrypt", "message authentication failed");
    return found;
  }
}

type Asked = "node" | "key" | "both" | "nobody";

/** A mirror of `node` as in a new process: it remembers nothing from any other. */
export function mirrorOf(
  node: ScriptedNode,
  store: ObjectStore,
  asked: Asked = "node",
): StateSwapper {
  return makeSwapper(
    store,
    mirrorPartsFor(store, {
      witness: asked === "node" || asked === "both" ? node : null,
      inspect: asked === "key" || asked === "both" ? node.inspect : null,
    }),
  );
}

export type Candidate = ReturnType<ScriptedNode["candidate"]>;

export async function swap(swapper: StateSwapper, candidate: Candidate): Promise<void> {
  await swapper.advance(await swapper.begin(await swapper.base(), candidate));
}

export async function refusalOf(
  swapper: StateSwapper,
  candidate: Candidate,
): Promise<RefusedError> {
  try {
    await swapper.begin(await swapper.base(), candidate);
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error("nothing was refused");
}
