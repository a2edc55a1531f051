import type { TestContext } from "node:test";
import { inCi } from "../peers/peer-unavailable.ts";

/** Skips a test that must mount a file system or make a device. With CI=true it fails instead. */
export function skipWithoutRoot(t: TestContext): void {
  const reason = "this user may not mount a file system or make a device: run the tests as root";
  if (inCi()) throw new Error(reason);
  t.skip(reason);
}
