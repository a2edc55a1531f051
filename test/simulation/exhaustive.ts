import type { Violation } from "./invariants.ts";
import { type Choice, type SmallCase, SmallWorld } from "./small-world.ts";

export interface Exploration {
  /** Situations that differ. */
  readonly situations: number;
  /** Paths from the beginning to an end. */
  readonly interleavings: bigint;
  readonly steps: number;
  readonly failure: { readonly violation: Violation; readonly way: readonly Choice[] } | null;
}

/**
 * Explores every interleaving of a small case. A world can't be copied, so each path is replayed from the
 * beginning. A situation that was seen before isn't explored again, because what follows is known.
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

  /** `world` is the result of `way`, and is consumed. Resolves with the number of ways that continue from it. */
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
