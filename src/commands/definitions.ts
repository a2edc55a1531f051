import type { Definition } from "./definition.ts";
import { accept } from "./definitions/accept.ts";
import { completion } from "./definitions/completion.ts";
import { copy } from "./definitions/copy.ts";
import { diff } from "./definitions/diff.ts";
import { doctor } from "./definitions/doctor.ts";
import { drill } from "./definitions/drill.ts";
import { healthcheck } from "./definitions/healthcheck.ts";
import { init } from "./definitions/init.ts";
import { inspect } from "./definitions/inspect.ts";
import { key } from "./definitions/key.ts";
import { kit } from "./definitions/kit.ts";
import { list } from "./definitions/list.ts";
import { notify } from "./definitions/notify.ts";
import { prune } from "./definitions/prune.ts";
import { repair } from "./definitions/repair.ts";
import { restore } from "./definitions/restore.ts";
import { run } from "./definitions/run.ts";
import { status } from "./definitions/status.ts";
import { verify } from "./definitions/verify.ts";
import { watch } from "./definitions/watch.ts";

/** All commands, in help's order. */
export const definitions: readonly Definition[] = [
  init,
  run,
  status,
  watch,
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
  completion(() => definitions),
  notify,
];
