import { networks } from "../../keychain/network.ts";
import { defaultLndPort } from "../../node/lnd/lnd-address.ts";
import { logLevels } from "../../runtime/log-level.ts";
import { storeForms } from "../../store/store-kinds.ts";
import type { ValuesOf } from "./option.ts";
import {
  duration,
  durationOrOff,
  heartbeatUrl,
  hostAndPort,
  interval,
  intervalOrOff,
  listed,
  listenAddress,
  oneOf,
  receivers,
  requirement,
  text,
  texts,
  timeout,
  toggle,
} from "./values.ts";

/**
 * Every setting, keyed by the name of its flag. The YAML file uses the same names; the environment uses
 * SCB_MIRROR_ and the name in capitals with `_` for `-`.
 */
export const settingTable = {
  to: texts({
    placeholder: "url",
    help: `the store: ${storeForms()}; repeat it to keep several copies (docs/stores.md lists the options after ?)`,
  }),
  require: requirement({
    help: "with several stores: how many must hold the node's state (all, majority or a number)",
    default: "all",
  }),
  "from-store": text({
    placeholder: "url",
    help: "the store to copy from, in the same form as --to",
  }),
  node: text({
    placeholder: "name",
    help: "the node's folder in the store",
    defaultNote: "the node's public key",
  }),
  config: text({
    placeholder: "file",
    help: "a YAML file with settings; flags override the environment, which overrides the file",
  }),
  "request-timeout": timeout({
    help: "how long one request to the store may take",
    default: "10s",
  }),
  "log-level": oneOf(logLevels, {
    placeholder: "level",
    help: `what to log on stderr: ${listed(logLevels)}`,
    defaultNote: "error at a terminal, otherwise warn",
  }),
  from: text({
    placeholder: "source",
    help: "the node: lnd, file:PATH to a channel.backup, or demo",
    defaultNote: "lnd for run, otherwise none",
  }),
  rpcserver: text({
    placeholder: "host:port",
    help: "lnd's gRPC address",
    defaultNote: `localhost:${defaultLndPort}`,
  }),
  lnddir: text({ placeholder: "path", help: "lnd's folder", defaultNote: "as lncli's" }),
  network: oneOf(networks, {
    placeholder: "name",
    help: listed(networks),
    defaultNote: "mainnet",
  }),
  tlscertpath: text({
    placeholder: "path",
    help: 'lnd\'s certificate; "system" if a public authority signed it',
    defaultNote: "LNDDIR/tls.cert",
  }),
  macaroonpath: text({
    placeholder: "path",
    help: "a file with lnd's macaroon",
    defaultNote: "the network's admin.macaroon",
  }),
  socksproxy: hostAndPort({
    placeholder: "host:port",
    help: "a SOCKS5 proxy for the connection to lnd, such as Tor's; it resolves the host name",
  }),
  lndconnect: text({
    placeholder: "uri",
    help: "lnd's address, certificate and macaroon in one lndconnect:// URI",
    isSecret: true,
  }),
  "backup-file": text({
    placeholder: "path",
    help: "with --from lnd: also watch lnd's channel.backup",
  }),
  "key-file": text({
    placeholder: "path",
    help: "a file that lets scb-mirror read backups: the 24 seed words, an extended private key, or a backup key",
  }),
  "passphrase-file": text({
    placeholder: "path",
    help: "a file with the passphrase of the 24 seed words",
  }),
  "single-writer": toggle(
    "for a store without conditional writes: write only versions, from exactly one mirror (rclone:… always works this way)",
  ),
  "refresh-interval": duration({
    help: "save again after this time, even if no channel changed",
    default: "12h",
  }),
  "look-interval": interval({
    help: "how often an idle mirror reads the store again",
    default: "5m",
  }),
  "min-interval": duration({
    help: "the least time between two saved backups, in a burst of events",
    default: "250ms",
  }),
  "drill-interval": durationOrOff({
    help: "how often to check that a restore would work, or off",
    default: "7d",
  }),
  "max-age": duration({
    help: "how old the current backup may be before the mirror counts as stopped",
    default: "36h",
  }),
  "attest-interval": intervalOrOff({
    help: "how often the mirror attests in the store that it is alive and what it saw, or off",
    default: "5m",
  }),
  "max-silence": intervalOrOff({
    help: "how long a mirror that attests may stay silent before status and watch report it, or off",
    default: "15m",
  }),
  interval: interval({ help: "how often watch checks every node", default: "1m" }),
  "shutdown-timeout": timeout({
    help: "how long a stop may wait for a swap under way",
    default: "10s",
  }),
  timeout: timeout({
    help: "the time limit for status, for each of doctor's checks, and for run --once and accept to reach the store",
    default: "30s",
  }),
  listen: listenAddress({
    help: "serve the mirror's state over HTTP: /healthz, /readyz, /metrics, /status.json and a page at /",
    defaultNote: "off; the host is 127.0.0.1",
  }),
  "listen-host": texts({
    placeholder: "name",
    help: "a host name that --listen answers to, besides localhost and IP addresses; may be repeated",
  }),
  heartbeat: heartbeatUrl({
    help: "a URL to request while all is well, as for healthchecks.io",
    isSecret: true,
  }),
  "heartbeat-interval": interval({ help: "how often to send the heartbeat", default: "5m" }),
  notify: receivers({
    help: "where to send alerts: https://… (JSON), ntfys://HOST/TOPIC, telegram://TOKEN@CHAT or smtps://USER:PASSWORD@HOST:PORT?from=…&to=…; may be repeated",
    isSecret: true,
  }),
  "notify-after": interval({
    help: "how long temporary trouble must last before an alert",
    default: "5m",
  }),
  "notify-details": toggle("include channel points and amounts in alerts"),
  "demo-interval": duration({
    help: "with --from demo: how often a channel opens or closes",
    default: "2s",
  }),
} as const;

export type Settings = ValuesOf<typeof settingTable>;
export type SettingName = keyof typeof settingTable;

export const settingNames = Object.keys(settingTable) as readonly SettingName[];

/** Groups of settings that several commands share. */
export const settingGroups = {
  store: ["to", "require", "node", "config", "request-timeout", "log-level"],
  source: [
    "from",
    "rpcserver",
    "lnddir",
    "network",
    "tlscertpath",
    "macaroonpath",
    "socksproxy",
    "lndconnect",
    "backup-file",
  ],
  key: ["key-file", "passphrase-file"],
  alerts: ["heartbeat", "heartbeat-interval", "notify", "notify-after", "notify-details"],
} as const satisfies Readonly<Record<string, readonly SettingName[]>>;
