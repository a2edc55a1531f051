/**
 * Tells an observer. One that throws, or rejects, is a defect of its owner's: Node warns of it, and
 * whoever tells goes on.
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
