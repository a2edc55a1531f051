/**
 * Calls an observer. If it throws or rejects, that is its owner's defect: Node warns about it, and the
 * caller carries on.
 */
export function tell<Event>(observe: (event: Event) => void, event: Event): void {
  try {
    const answer: unknown = observe(event);
    if (answer instanceof Promise) answer.catch(warn);
  } catch (error) {
    warn(error);
  }
}

function warn(error: unknown): void {
  process.emitWarning(
    `an observer failed: ${error instanceof Error ? error.message : String(error)}`,
    { type: "ScbObserverWarning", detail: error instanceof Error ? (error.stack ?? "") : "" },
  );
}
