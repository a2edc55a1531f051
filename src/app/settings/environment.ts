import { ScbError } from "../../runtime/error.ts";
import { mayBeSecret } from "../../runtime/secret-text.ts";
import type { Given } from "./option.ts";
import { type SettingName, settingNames } from "./table.ts";
import { valueOfFile } from "./value-file.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

const prefix = "SCB_MIRROR_";
/** Suffix of a variable that names a file with the value, as Docker and Kubernetes provide secrets. */
const fileSuffix = "_FILE";

/**
 * The variables that Kubernetes sets for a service called `scb-mirror` or `scb-mirror-…` in each
 * container of its namespace. Source: Kubernetes, "Accessing the Service", environment variables.
 */
const serviceLink =
  /^SCB_MIRROR_(?:\w+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_\w+)?|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)$/;
/** The service's own `…_PORT` is recognised by its value, since its name could be a misspelt setting. */
const serviceAddress = /^(?:tcp|udp|sctp):\/\//i;

export function environmentName(setting: string): string {
  return prefix + setting.toUpperCase().replaceAll("-", "_");
}

const settingOf: ReadonlyMap<string, SettingName> = new Map(
  settingNames.map((name) => [environmentName(name), name]),
);

/**
 * Reads the settings from the environment: each from its own variable, or from one with `_FILE` that
 * names a file. `warn` receives a note on anything ignored. Throws "usage" for a misspelt name, because
 * the default would silently apply.
 */
export function readEnvironment(
  environment: Environment,
  warn: (message: string) => void,
): ReadonlyMap<SettingName, Given> {
  const found = new Map<SettingName, Given>();
  const links: string[] = [];
  for (const [variable, value = ""] of Object.entries(environment)) {
    const text = value.trim();
    if (!variable.startsWith(prefix) || text === "") continue;
    const given = { text, origin: variable };
    const named = settingOf.get(variable);
    const namedByFile = fileSettingOf(variable);
    if (named !== undefined) add(found, named, given);
    else if (namedByFile !== undefined) add(found, namedByFile, valueOfFile(given));
    else if (isServiceLink(given)) links.push(variable);
    else throw notASetting(variable);
  }
  if (links.length > 0) {
    warn(
      `ignored variables that Kubernetes sets for a service of this name (enableServiceLinks: false in the pod avoids them): ${links.join(", ")}`,
    );
  }
  return found;
}

function isServiceLink({ text, origin }: Given): boolean {
  if (serviceLink.test(origin)) return true;
  return origin.endsWith("_PORT") && serviceAddress.test(text);
}

function fileSettingOf(variable: string): SettingName | undefined {
  return variable.endsWith(fileSuffix)
    ? settingOf.get(variable.slice(0, -fileSuffix.length))
    : undefined;
}

function add(found: Map<SettingName, Given>, name: SettingName, given: Given): void {
  const other = found.get(name);
  if (other !== undefined) {
    throw new ScbError(
      "usage",
      `${other.origin} and ${given.origin} both give ${name}: remove one of them`,
    );
  }
  if (given.text !== "") found.set(name, given);
}

function notASetting(variable: string): ScbError {
  const isSecret = mayBeSecret(variable.slice(prefix.length));
  const what = isSecret ? `that begins with ${prefix}` : variable;
  return new ScbError(
    "usage",
    `the environment variable ${what} is not a setting of scb-mirror: correct or remove it (settings: ${[...settingOf.keys()].join(", ")}; each also with ${fileSuffix})`,
  );
}
