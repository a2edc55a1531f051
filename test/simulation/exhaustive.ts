import type { Violation } from "./invariants.ts";
import { type Choice, type SmallCase, SmallWorld } from "./small-world.ts";

export interface Exploration {
  /** Situations that differ. */
  readonly situations: number;
  /** Ways from the beginning to an end. */
  readonly interleavings: bigint;
  readonly steps: number;
  readonly failure: { readonly violation: Violation; readonly way: readonly Choice[] } | null;
}

/**
 * Every interleaving of a small case. A world cannot be copied, so each way is gone anew from the
 * beginning; a situation that was met before is not gone on from, for what follows is known.
 */
export async function explore(
  smallCase: SmallCase,
  onProgress: (situations: number) => void = () => undefined,
): Promise<Exploration> {
  const waysFrom = new Map<string, bigint>();
  let steps = 0;
  let failure: Exploration["failure"] = null;

  async function goTo(way: readonly Choice[]): Promise<SmallWorld> {
    const world = new SmallWorld(smallCase);
    await world.settle();
    for (const choice of way) await world.choose(choice);
    steps += way.length;
    return world;
  }

  /** `world` is where `way` has led to, and is used up. Resolves with how many ways go on from it. */
  async function goOn(world: SmallWorld, way: readonly Choice[]): Promise<bigint> {
    const choices = world.choices();
    if (choices.length === 0) world.checkEnd();
    const { violation } = world.checker;
    if (violation !== null) failure ??= { violation, way };
    if (choices.length === 0 || failure !== null) return 1n;
    const fingerprint = world.fingerprint();
    const known = waysFrom.get(fingerprint);
    if (known !== undefined) return known;
    let ways = 0n;
    for (const [number, choice] of choices.entries()) {
      const next = number === 0 ? world : await goTo(way);
      await next.choose(choice);
      steps += 1;
      ways += await goOn(next, [...way, choice]);
    }
    waysFrom.set(fingerprint, ways);
    if (waysFrom.size % 1_000 === 0) onProgress(waysFrom.size);
    return ways;
  }

  const interleavings = await goOn(await goTo([]), []);
  return { situations: waysFrom.size, interleavings, steps, failure };
}
