import { readFileSync } from "node:fs";
import { parse as parseYaml } from "yaml";
import * as z from "zod";
import { networks } from "../keychain/network.ts";
import { ScbError } from "../runtime/error.ts";
import { logLevels } from "../runtime/logger.ts";
import { durationMs } from "./duration.ts";

const text = z.string().min(1, "must not be empty");
const flag = z.union([z.boolean(), z.enum(["true", "false"]).transform((word) => word === "true")]);
const duration = z.string().transform(readDuration);
const durationOrOff = z
  .string()
  .transform((word, context) => (word === "off" ? null : readDuration(word, context)));

function readDuration(word: string, context: z.RefinementCtx): number {
  const ms = durationMs(word);
  if (ms !== null) return ms;
  context.addIssue({ code: "custom", message: "must be a duration such as 500ms, 10s, 5m or 12h" });
  return z.NEVER;
}

/**
 * Every setting, by the name of its flag. The same names serve in the YAML file, and in the
 * environment as SCB_MIRROR_ and the name in capitals with `_` for `-`.
 */
const settingsSchema = z.object({
  from: text.optional(),
  to: text.optional(),
  node: text.optional(),
  "key-file": text.optional(),
  "passphrase-file": text.optional(),
  rpcserver: text.optional(),
  lnddir: text.optional(),
  network: z.enum(networks).optional(),
  tlscertpath: text.optional(),
  macaroonpath: text.optional(),
  lndconnect: text.optional(),
  "backup-file": text.optional(),
  "single-writer": flag.default(false),
  "refresh-interval": duration.prefault("12h"),
  "min-interval": duration.prefault("250ms"),
  "max-age": duration.prefault("36h"),
  "shutdown-timeout": duration.prefault("10s"),
  timeout: duration.prefault("30s"),
  "request-timeout": duration.prefault("10s"),
  "demo-interval": duration.prefault("2s"),
  "drill-interval": durationOrOff.prefault("7d"),
  "log-level": z.enum(logLevels).optional(),
});

export type Settings = z.output<typeof settingsSchema>;
export type SettingName = keyof typeof settingsSchema.shape;

const settingNames = Object.keys(settingsSchema.shape) as readonly SettingName[];
const environmentPrefix = "SCB_MIRROR_";

export function environmentName(setting: string): string {
  return environmentPrefix + setting.toUpperCase().replaceAll("-", "_");
}

/**
 * Puts the settings together: flags beat environment beats file beats defaults. Throws "usage",
 * naming the setting and where it came from, for one that is unknown or has a value it cannot have.
 */
export function loadSettings(
  flags: Readonly<Record<string, unknown>>,
  environment: Readonly<Record<string, string | undefined>>,
): Settings {
  const configFile = flags["config"] ?? environment[environmentName("config")];
  const layers: { readonly where: (name: string) => string; readonly values: Values }[] = [
    { where: (name) => `--${name}`, values: withoutUndefined(flags) },
    { where: environmentName, values: fromEnvironment(environment) },
  ];
  if (typeof configFile === "string") {
    layers.push({ where: (name) => `${name} in ${configFile}`, values: fromFile(configFile) });
  }
  const merged: Record<string, unknown> = {};
  const origin = new Map<string, string>();
  for (const { where, values } of layers) {
    for (const [name, value] of Object.entries(values)) {
      if (origin.has(name) || name === "config") continue;
      merged[name] = value;
      origin.set(name, where(name));
    }
  }
  const result = settingsSchema.safeParse(merged);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const name = String(issue?.path[0] ?? "");
  throw new ScbError("usage", `${origin.get(name) ?? name}: ${issue?.message ?? "is not valid"}`, {
    cause: result.error,
  });
}

type Values = Readonly<Record<string, unknown>>;

function withoutUndefined(values: Values): Values {
  const known = Object.entries(values).filter(
    ([name, value]) => value !== undefined && settingNames.includes(name as SettingName),
  );
  return Object.fromEntries(known);
}

/** A name that is misspelt would otherwise be ignored silently, and a default taken. */
function fromEnvironment(environment: Readonly<Record<string, string | undefined>>): Values {
  const byVariable = new Map(settingNames.map((name) => [environmentName(name), name]));
  const values: Record<string, unknown> = {};
  for (const [variable, value] of Object.entries(environment)) {
    if (!variable.startsWith(environmentPrefix) || value === undefined || value === "") continue;
    if (variable === environmentName("config")) continue;
    const name = byVariable.get(variable);
    if (name === undefined) {
      throw new ScbError(
        "usage",
        `the environment variable ${variable} is no setting of scb-mirror: correct or remove it (there are ${[...byVariable.keys()].join(", ")})`,
      );
    }
    values[name] = value;
  }
  return values;
}

function fromFile(path: string): Values {
  let parsed: unknown;
  try {
    parsed = parseYaml(readFileSync(path, "utf8")) ?? {};
  } catch (error) {
    const reason = (error instanceof Error ? error.message : String(error)).split("\n")[0];
    throw new ScbError("usage", `cannot read the configuration ${path}: ${reason}`, {
      cause: error,
    });
  }
  const map = z.record(z.string(), z.unknown()).safeParse(parsed);
  if (!map.success) {
    throw new ScbError("usage", `the configuration ${path} must be a YAML map of settings`);
  }
  for (const name of Object.keys(map.data)) {
    if (settingNames.includes(name as SettingName)) continue;
    throw new ScbError(
      "usage",
      `${JSON.stringify(name)} in ${path} is no setting of scb-mirror (there are ${settingNames.join(", ")})`,
    );
  }
  return map.data;
}
