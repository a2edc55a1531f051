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
 * Every setting, by the name of its flag. The same names serve in the YAML file, and in the
 * environment as SCB_MIRROR_ and the name in capitals with `_` for `-`.
 */
export const settingTable = {
  to: texts({
    placeholder: "url",
    help: `the store: ${storeForms()}; given again, another copy (docs/stores.md has what may stand after a ?)`,
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
    help: "a YAML file with settings; flags beat the environment, which beats the file",
  }),
  "request-timeout": timeout({
    help: "how long one request to the store may take",
    default: "10s",
  }),
  "log-level": oneOf(logLevels, {
    placeholder: "level",
    help: `what to log on stderr: ${listed(logLevels)}`,
    defaultNote: "error at a terminal, else warn",
  }),
  from: text({
    placeholder: "source",
    help: "the node: lnd, file:PATH of a channel.backup, or demo",
    defaultNote: "lnd for run, else none",
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
    help: 'lnd\'s certificate; "system" if a public authority has signed it',
    defaultNote: "LNDDIR/tls.cert",
  }),
  macaroonpath: text({
    placeholder: "path",
    help: "a file with lnd's macaroon",
    defaultNote: "the network's admin.macaroon",
  }),
  socksproxy: hostAndPort({
    placeholder: "host:port",
    help: "a SOCKS5 proxy for the connection to lnd, such as Tor's: it looks the host name up",
  }),
  lndconnect: text({
    placeholder: "uri",
    help: "address, certificate and macaroon in one lndconnect:// URI",
    isSecret: true,
  }),
  "backup-file": text({
    placeholder: "path",
    help: "with --from lnd: watch lnd's channel.backup as well",
  }),
  "key-file": text({
    placeholder: "path",
    help: "a file with what can read backups: 24 words, an extended private key, or a backup key",
  }),
  "passphrase-file": text({
    placeholder: "path",
    help: "a file with the passphrase of the 24 words",
  }),
  "single-writer": toggle(
    "for a store without conditional writes: only versions, and only one writer (rclone:… is so anyway)",
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
    help: "in a burst of events: from one saved backup to the next",
    default: "250ms",
  }),
  "drill-interval": durationOrOff({
    help: "how often to prove that a restore would work, or off",
    default: "7d",
  }),
  "max-age": duration({
    help: "how old the current backup may be before the mirror counts as stopped",
    default: "36h",
  }),
  "attest-interval": intervalOrOff({
    help: "how often the mirror writes into the store that it lives and what it saw there, or off",
    default: "5m",
  }),
  "max-silence": intervalOrOff({
    help: "how long mirrors that write that they live may be silent before that is told, or off",
    default: "15m",
  }),
  interval: interval({ help: "how often watch looks at every node", default: "1m" }),
  "shutdown-timeout": timeout({
    help: "how long a stop may wait for a swap under way",
    default: "10s",
  }),
  timeout: timeout({
    help: "how long status may take, run --once and accept try to reach the store, and each of doctor's checks may take",
    default: "30s",
  }),
  listen: listenAddress({
    help: "tell how the mirror is over HTTP: /healthz, /readyz, /metrics, /status.json and a page at /",
    defaultNote: "off; the host is 127.0.0.1",
  }),
  "listen-host": texts({
    placeholder: "name",
    help: "a host name that --listen answers to, besides localhost and IP addresses; given again, another one",
  }),
  heartbeat: heartbeatUrl({
    help: "a URL that is asked for while all is well, as healthchecks.io has it",
    isSecret: true,
  }),
  "heartbeat-interval": interval({ help: "how often the heartbeat is sent", default: "5m" }),
  notify: receivers({
    help: "who is told when something is wrong: https://… (JSON), ntfys://HOST/TOPIC, telegram://TOKEN@CHAT or smtps://USER:PASSWORD@HOST:PORT?from=…&to=…; may be given again",
    isSecret: true,
  }),
  "notify-after": interval({
    help: "how long what may pass has to last before it is told",
    default: "5m",
  }),
  "notify-details": toggle("tell channel points and amounts in messages, too"),
  "demo-interval": duration({
    help: "with --from demo: how often a channel opens or closes",
    default: "2s",
  }),
} as const;

export type Settings = ValuesOf<typeof settingTable>;
export type SettingName = keyof typeof settingTable;

export const settingNames = Object.keys(settingTable) as readonly SettingName[];

/** The settings that several commands take. */
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
