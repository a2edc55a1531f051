import { z } from "zod";
import type { LineageEntry } from "./bucket.ts";
import type { CliEvent } from "./cli.ts";

const swappedSchema = z.object({
  event: z.literal("swapped"),
  key: z.string(),
  sequence: z.number(),
  sha256: z.string(),
});

/** The swaps that `run --json` reported as saved. */
export function acknowledged(events: readonly CliEvent[]): readonly LineageEntry[] {
  return events
    .filter((event) => event.event === "swapped")
    .map((event) => {
      const { key, sequence, sha256 } = swappedSchema.parse(event);
      return { key, sequence, sha256 };
    });
}
