import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { ObjectStore } from "../store/object-store.ts";
import { openStore } from "../store/open-store.ts";
import { parseLocation } from "../store/parse-location.ts";
import type { Settings } from "./settings.ts";

/** Opens the store that `--to` names. Throws "usage" where none is named. */
export async function storeOf(surroundings: {
  readonly settings: Settings;
  readonly logger: Logger;
}): Promise<ObjectStore> {
  const { settings, logger } = surroundings;
  if (settings.to === undefined) {
    throw new ScbError(
      "usage",
      "no store is named: give --to s3://BUCKET[/PREFIX] or --to file:///PATH (or SCB_MIRROR_TO)",
    );
  }
  return openStore(parseLocation(settings.to), {
    requestTimeoutMs: settings["request-timeout"],
    logger,
  });
}
