import type { Evidence, SeenBefore } from "./evidence.ts";
import { type Finding, findingOf } from "./finding.ts";

/** Does the folder hold less than this observer saw there before? Nothing else reveals an older copy. */
export function wentBackFindings({ folder }: Evidence): Finding[] {
  const { store, current, before = null } = folder;
  if (before === null || !current.known) return [];
  const found = (now: string): Finding[] => {
    const message = `${store} went back: it held sequence ${before.sequence} (${before.key}), but ${now}`;
    return [findingOf("went-back", store, message)];
  };
  switch (current.value.kind) {
    case "none":
      return found("holds nothing now");
    case "held": {
      const { held } = current.value;
      return isSetback(held, before) ? found(`${held.key} is current now`) : [];
    }
    default:
      // A lost or damaged pointer has a finding of its own.
      return [];
  }
}

/** A version that a person has made current since, for example with repair, is no setback. */
function isSetback(held: SeenBefore, before: SeenBefore): boolean {
  if (held.sequence > before.sequence || held.savedAt > before.savedAt) return false;
  return held.sequence < before.sequence || held.sha256 !== before.sha256;
}

/** What to remember after a look at the folder. `before`: what was remembered until then. */
export function seenAfter(
  folder: Evidence["folder"],
  before: SeenBefore | null,
): SeenBefore | null {
  if (!folder.current.known || folder.current.value.kind !== "held") return before;
  const { sequence, key, sha256, savedAt } = folder.current.value.held;
  const seen = { sequence, key, sha256, savedAt };
  return before === null || !isSetback(seen, before) ? seen : before;
}
