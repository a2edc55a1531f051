import type { SettingName } from "../../app/settings/table.ts";
import { run } from "../definitions/run.ts";

/** What the file that `init` writes may hold: what a mirror takes. */
export const initSettings: readonly SettingName[] = run.settings.filter(
  (name) => name !== "config" && name !== "demo-interval",
);
