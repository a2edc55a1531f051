import type { ErrorCode } from "../runtime/error.ts";

/** Why there are no credentials, on its way out through a service's library. */
export class CredentialsTrouble extends Error {
  readonly errorCode: ErrorCode;

  constructor(errorCode: ErrorCode, message: string, options?: { cause: unknown }) {
    super(message, options);
    this.errorCode = errorCode;
  }
}
