import type { Clock } from "../runtime/clock.ts";
import type { RequestOptions } from "../store/object-store.ts";
import type { Evidence } from "./evidence.ts";
import type { FindingCode } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { type Judgement, judge } from "./verdict.ts";

const secondLookMs = 5_000;
const transientCodes: readonly FindingCode[] = [
  "not-covered",
  "limbo-not-covered",
  "unknown-channels",
  "file-not-saved",
];

/**
 * Judges what `look` sees. A channel that opens or closes in this moment is in the node and not yet in
 * the store, or the other way round, so both are looked at again before such a difference is believed.
 */
export async function judgeTwice<Seen extends { readonly evidence: Evidence }>(
  look: () => Promise<Seen>,
  policy: Policy,
  { clock, signal }: RequestOptions & { readonly clock: Clock },
): Promise<{ readonly seen: Seen; readonly judgement: Judgement }> {
  const seen = await look();
  const judgement = judge(seen.evidence, policy);
  if (!judgement.findings.some(({ code }) => transientCodes.includes(code))) {
    return { seen, judgement };
  }
  await clock.sleep(secondLookMs, signal);
  const again = await look();
  return { seen: again, judgement: judge(again.evidence, policy) };
}
