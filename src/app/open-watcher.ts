import type { Situation } from "../alerts/situation.ts";
import type { Watcher } from "../alerts/watcher.ts";
import type { Clock } from "../runtime/clock.ts";
import type { Logger } from "../runtime/logger.ts";
import type { Random } from "../runtime/random.ts";
import type { Settings } from "./settings.ts";

export interface OpenWatcherOptions {
  readonly settings: Settings;
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
}

/**
 * Opens the watcher that sends notifications and heartbeats; null if the settings ask for neither. Its
 * modules are loaded only if needed.
 */
export async function openWatcher(
  options: OpenWatcherOptions,
  asked: { readonly situation: () => Situation; readonly look: () => void },
): Promise<Watcher | null> {
  const { settings } = options;
  const { notify = [], heartbeat } = settings;
  if (notify.length === 0 && heartbeat === undefined) return null;
  const [{ Watcher: Loaded }, { openReceiver }] = await Promise.all([
    import("../alerts/watcher.ts"),
    import("../alerts/receivers/open-receiver.ts"),
  ]);
  return new Loaded({
    ...options,
    ...asked,
    receivers: await Promise.all(notify.map(openReceiver)),
    heartbeat: heartbeat ?? null,
    heartbeatIntervalMs: settings["heartbeat-interval"],
    notifyAfterMs: settings["notify-after"],
    details: settings["notify-details"],
  });
}
