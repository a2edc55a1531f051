import { openDemoPump } from "./demo-pump.ts";
import { openMirrorPump } from "./mirror-pump.ts";
import type { Pump, PumpOptions } from "./pump.ts";

/** Opens the way from the node that `--from` names: pack mode for the demo node, else mirror mode. */
export function openPump(options: PumpOptions): Promise<Pump> {
  return options.settings.from === "demo" ? openDemoPump(options) : openMirrorPump(options);
}
