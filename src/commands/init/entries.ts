import { fileEnding } from "../../app/settings/config-file.ts";
import { type SettingName, settingNames } from "../../app/settings/table.ts";
import { filePath } from "../../app/source.ts";
import { networks } from "../../keychain/network.ts";
import { defaultLndPort } from "../../node/lnd/lnd-address.ts";
import { expandPath, lndFiles } from "../../node/lnd/lnd-config.ts";

/** A secret is named by the file that holds it. */
export type SecretFileName = `${SecretName}-file`;
type SecretName = "lndconnect" | "heartbeat" | "notify";
const secretNames: readonly SecretName[] = ["lndconnect", "heartbeat", "notify"];

/** What goes into the YAML file: names, and texts as on the command line. */
export type Entries = ReadonlyMap<SettingName | SecretFileName, string>;

/** What was given as flags. */
export function givenEntries(flags: Readonly<Record<string, string>>): Entries {
  const names = [...settingNames, ...secretNames.map(fileOf)];
  return new Map(
    names.flatMap((name) => {
      const text = flags[name];
      return text === undefined ? [] : [[name, text] as const];
    }),
  );
}

export function fileOf(name: SecretName): SecretFileName {
  return `${name}${fileEnding}`;
}

/** The settings that say where lnd is. One of them without `--from` means lnd. */
const whereLndIs = [
  "rpcserver",
  "lnddir",
  "tlscertpath",
  "macaroonpath",
  "socksproxy",
  "lndconnect",
  "lndconnect-file",
] as const;

export function namesNode(entries: Entries): boolean {
  return entries.has("from") || whereLndIs.some((name) => entries.has(name));
}

const pathNames: readonly SettingName[] = [
  "lnddir",
  "macaroonpath",
  "backup-file",
  "key-file",
  "passphrase-file",
];

/**
 * The same, so that it means the same wherever and by whomever it is run: paths are absolute, and what
 * `lncli` would take by default is written down.
 */
export function settled(entries: Entries): Entries {
  const all = new Map(entries);
  for (const [name, text] of entries) {
    const isPath = pathNames.some((known) => known === name) || name in secretFiles;
    if (isPath) all.set(name, expandPath(text));
  }
  const from = entries.get("from") ?? "lnd";
  all.set("from", from.startsWith("file:") ? `file:${expandPath(filePath(from))}` : from);
  if (from === "lnd" && !entries.has("lndconnect") && !entries.has("lndconnect-file")) {
    settleLnd(all);
  }
  return all;
}

const secretFiles = Object.fromEntries(secretNames.map((name) => [fileOf(name), name]));

function settleLnd(all: Map<SettingName | SecretFileName, string>): void {
  const network = networks.find((known) => known === all.get("network"));
  const { tlsCertPath, macaroonPath } = lndFiles({
    lnddir: all.get("lnddir"),
    network,
    tlscertpath: all.get("tlscertpath"),
    macaroonpath: all.get("macaroonpath"),
  });
  if (!all.has("rpcserver")) all.set("rpcserver", `localhost:${defaultLndPort}`);
  // The default macaroon is one network's.
  if (!all.has("network") && !all.has("macaroonpath")) all.set("network", "mainnet");
  if (tlsCertPath !== null) all.set("tlscertpath", tlsCertPath);
  all.set("macaroonpath", macaroonPath);
  all.delete("lnddir");
}

/** A file that holds one secret. */
export interface SecretFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Takes the secrets out of what is to be written: each goes into a file of its own beside the YAML file
 * `configPath`, which is named instead.
 */
export function withoutSecrets(
  entries: Entries,
  configPath: string,
): { readonly entries: Entries; readonly files: readonly SecretFile[] } {
  const base = configPath.replace(/\.ya?ml$/i, "");
  const named = new Map(entries);
  const files = secretNames.flatMap((name): SecretFile[] => {
    const secret = entries.get(name);
    if (secret === undefined) return [];
    const path = `${base}.${name}`;
    named.delete(name);
    named.set(fileOf(name), path);
    return [{ path, text: `${secret.split(/\s+/).join("\n")}\n` }];
  });
  return { entries: named, files };
}
