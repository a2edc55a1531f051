import { diff, inspect } from "./backup.ts";
import type { JsonDocument } from "./document.ts";
import { drill } from "./drill.ts";
import { accept, copy, list, prune, repair, verify } from "./history.ts";
import { kit, restore } from "./restore.ts";
import { status } from "./status.ts";
import { completion, doctor, healthcheck, init, key, notify } from "./tools.ts";

/** By the command that prints it. Of `run` and `watch` see `events.ts`; of `status --all`, `statusAll`. */
export const jsonDocuments: Readonly<Record<string, JsonDocument>> = {
  init,
  status,
  healthcheck,
  doctor,
  list,
  verify,
  repair,
  prune,
  copy,
  accept,
  drill,
  restore,
  inspect,
  diff,
  key,
  kit,
  completion,
  notify,
};
