import { ScbError } from "../runtime/error.ts";

/** A guard's refusal as an error: the candidate never became a version. */
export class RefusedError extends ScbError {
  readonly refusal: { readonly code: string; readonly message: string };
  /** Where the candidate is kept; null if it could not be saved. */
  readonly quarantineKey: string | null;

  constructor(refusal: RefusedError["refusal"], quarantineKey: string | null, cause?: unknown) {
    super("refused", refusal.message, { cause });
    this.refusal = refusal;
    this.quarantineKey = quarantineKey;
  }
}
