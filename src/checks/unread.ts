import type { ErrorCode, ScbError } from "../runtime/error.ts";
import { type Finding, findingOf } from "./finding.ts";
import type { Question } from "./policy.ts";

/** With these errors, the store would also refuse a restore with these credentials from this machine. */
const refusals: readonly ErrorCode[] = [
  "store-denied",
  "store-no-bucket",
  "store-clock",
  "store-rejected",
];

/** The finding for something that had to be read and couldn't be. */
export function unreadFinding(
  subject: string,
  error: ScbError,
  { question = "mirror", message = error.message }: { question?: Question; message?: string } = {},
): Finding {
  const code = error.code === "store-denied" ? "store-denied" : "store-unread";
  const isRefused = question === "restore" && refusals.includes(error.code);
  return findingOf(code, subject, message, { level: isRefused ? "problem" : "unknown" });
}
