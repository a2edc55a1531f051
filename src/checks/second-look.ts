import type { Clock } from "../runtime/clock.ts";
import type { RequestOptions } from "../store/object-store.ts";
import type { Evidence } from "./evidence.ts";
import type { Finding, FindingCode } from "./finding.ts";
import type { Policy } from "./policy.ts";
import { type Judgement, judge } from "./verdict.ts";

const defaultSecondLookMs = 5_000;
const transientCodes: readonly FindingCode[] = [
  "not-covered",
  "limbo-not-covered",
  "unknown-channels",
  "file-not-saved",
  "store-behind",
  "store-ahead",
  "stores-disagree",
];

export interface SecondLookOptions extends RequestOptions {
  readonly clock: Clock;
  /** From the first look to the second. Milliseconds. Default 5 s. */
  readonly secondLookMs?: number | undefined;
}

/** Whether the finding may be momentary, and needs a second look before it counts. */
export function isTransient({ code }: Finding): boolean {
  return transientCodes.includes(code);
}

/**
 * What `look` sees and finds. A channel that opens or closes at this moment may be in the node but not yet
 * in the store, or in one store but not yet in another. So everything is looked at again before such a
 * difference counts.
 */
export async function lookTwice<Seen extends { readonly findings: readonly Finding[] }>(
  look: () => Promise<Seen>,
  { clock, secondLookMs = defaultSecondLookMs, signal }: SecondLookOptions,
): Promise<Seen> {
  const seen = await look();
  if (!seen.findings.some(isTransient)) return seen;
  await clock.sleep(secondLookMs, signal);
  return look();
}

/** Judges what `look` sees, with a second look like `lookTwice`. */
export async function judgeTwice<Seen extends { readonly evidence: Evidence }>(
  look: () => Promise<Seen>,
  policy: Policy,
  options: SecondLookOptions,
): Promise<{ readonly seen: Seen; readonly judgement: Judgement }> {
  const { seen, judgement } = await lookTwice(async () => {
    const found = await look();
    const judged = judge(found.evidence, policy);
    return { seen: found, judgement: judged, findings: judged.findings };
  }, options);
  return { seen, judgement };
}
