import type { StateSwapper } from "../../src/mirror/state-swapper.ts";
import type { AlsoRestore } from "../../src/repository/also-restore.ts";
import { candidateOf, packedBytes } from "./mirror-fixture.ts";

/** Makes one swap whose pointer also lists these versions as needed for a restore. */
export async function swapNaming(
  swapper: StateSwapper,
  alsoRestore: readonly AlsoRestore[],
  packed = packedBytes(),
) {
  const operation = await swapper.begin(await swapper.base(), candidateOf(packed));
  return swapper.advance({ ...operation, alsoRestore });
}
