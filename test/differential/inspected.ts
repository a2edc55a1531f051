import { type InspectedChannel, inspectSingle } from "../../src/chanbackup/inspected-channel.ts";
import type { Single } from "../../src/chanbackup/single.ts";

/**
 * A Single as `inspect --json --with-close-tx` prints it, so that each value, and not just the bytes,
 * can be held against what lnd's oracle says of it.
 */
export function inspected(single: Single): InspectedChannel {
  return inspectSingle(single, { withCloseTx: true });
}
