import { printable } from "../runtime/foreign-text.ts";
import type { Watched } from "./record.ts";

/** Whether the mirror is ready and, if not, why: one line for each finding. */
export function readiness({ verdict: told }: Watched): {
  readonly isReady: boolean;
  readonly text: string;
} {
  const { verdict, findings } = told;
  const lines = findings.map(({ code, level, store, message, remedy }) =>
    printable(`${level} ${code}${store === null ? "" : ` (${store})`}: ${message}: ${remedy}`),
  );
  return { isReady: verdict === "safe", text: [verdict, ...lines, ""].join("\n") };
}
