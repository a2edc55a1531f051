import { latestKey, versionsPrefix } from "../../repository/layout.ts";
import { shellQuote } from "../../runtime/shell-quote.ts";
import { storeKinds } from "../../store/store-kinds.ts";
import { alsoFile, restoreCommand } from "../restore/backup-file.ts";
import { rescanCommands } from "../restore/rescan.ts";
import type { KitBlock, KitFacts, KitSection } from "./kit-facts.ts";

/** The steps of a recovery, with this program and with stock tools alone. */
export function kitSteps(facts: KitFacts): readonly KitSection[] {
  return [
    {
      title: "1. Is the old node really lost?",
      blocks: [
        text(
          "If its disk can still be read, repair that node and stop here: a restore closes every channel. Once you begin, never start the old node or its database again.",
        ),
      ],
    },
    {
      title: "2. A new lnd from the same 24 words",
      blocks: [
        text(
          "On a new machine, install the same or a newer lnd for the same network, and start it. Then create its wallet: answer y to an existing seed, and enter the 24 words, their passphrase if there is one, and a recovery window of 2500.",
        ),
        commands(`lncli${networkFlag(facts)} create`),
      ],
    },
    {
      title: "3. Fetch the newest backup",
      blocks: [
        ...credentialText(facts),
        text(
          facts.copies.length === 0
            ? "With scb-mirror, which also checks it:"
            : "With scb-mirror, which takes the newest of all copies and checks it (give --to for each):",
        ),
        commands(kitRestoreCommand(facts)),
        ...withoutUs(facts),
      ],
    },
    {
      title: "4. Hand it to lnd",
      blocks: [
        ...handing(facts),
        text(
          "If it says message authentication failed, the words, their passphrase or the network are not this node's.",
        ),
      ],
    },
    {
      title: "5. Wait",
      blocks: [
        text(
          "lnd asks each peer to close its channel. The funds reach the wallet some blocks later: 3 to 6 after each close, then one for the sweep. lnd waits for offline peers, days if need be. If a peer has moved, run lncli connect PUBKEY@HOST:PORT.",
        ),
        commands(
          `lncli${networkFlag(facts)} pendingchannels`,
          `lncli${networkFlag(facts)} walletbalance`,
        ),
      ],
    },
    {
      title: "6. A last rescan",
      blocks: [
        text(
          "A sweep or cooperative close that was unconfirmed when the old node was lost pays an address that the new wallet doesn't watch. If there may have been one, restart lnd like this once all other funds are home. It only finds coins.",
        ),
        commands(...rescanCommands(facts.network)),
      ],
    },
    {
      title: "Never",
      blocks: [
        text(
          "Never publish an old commitment transaction or force close by hand: the peer may take the whole channel. Never restore into a node that still has these channels open. Never replace lnd's own channel.backup with a backup: that restores nothing, and may keep lnd from starting.",
        ),
      ],
    },
  ];
}

function text(sentence: string): KitBlock {
  return { kind: "text", text: sentence };
}

function commands(...lines: readonly string[]): KitBlock {
  return { kind: "commands", lines };
}

function networkFlag({ network }: KitFacts): string {
  return network === null || network === "mainnet" ? "" : ` --network=${network}`;
}

/** Of all stores together, in characters. */
const longestAddresses = 300;

/** Long addresses of several stores don't all fit into a command; the top of the page lists them. */
function isCrowded({ to, copies }: KitFacts): boolean {
  return (
    copies.length > 0 && [to, ...copies.map((copy) => copy.to)].join().length > longestAddresses
  );
}

/** The command that restores with this program. */
function kitRestoreCommand(facts: KitFacts): string {
  const { to, copies, node } = facts;
  const named = isCrowded(facts) ? [to] : [to, ...copies.map((copy) => copy.to)];
  const stores = named.map((each) => `--to ${shellQuote(each)}`);
  return `scb-mirror restore ${stores.join(" ")} --node ${shellQuote(node)}`;
}

function credentialText({ kind, copies }: KitFacts): KitBlock[] {
  const kinds = [kind, ...copies.map((copy) => copy.kind)];
  return storeKinds.flatMap(({ kind: each, access: { credentials, severalCredentials } }) => {
    const stores = kinds.filter((one) => one === each).length;
    if (stores === 0 || credentials === null) return [];
    const all = stores === 1 ? [credentials] : [credentials, severalCredentials ?? ""];
    return [text(all.join(" "))];
  });
}

const file = "channel.backup";
/** More would need a second sheet; the pointer names them all. */
const mostAlso = 3;

/** What else a restore needs, as far as there is room: the keys that `A` holds. */
function alsoKeys({ also }: KitFacts): readonly string[] {
  return also.slice(0, mostAlso);
}

/** Copies each key in `A` to a file of its own. */
function copyAlso(facts: KitFacts, copy: (from: string, to: string) => string): string[] {
  if (facts.also.length === 0) return [];
  return [`n=0; for K in $A; do n=$((n+1)); ${copy("$K", "channel.also-$n.backup")}; done`];
}

function handing(facts: KitFacts): KitBlock[] {
  const others = alsoKeys(facts).map((_, index) => alsoFile(file, index + 1));
  const files = [file, ...others];
  return [
    commands(...files.map((name) => restoreCommand(name, facts.network))),
    text(
      `Then do the same for each ${alsoFile(file, 1)}, …-2, … that you have: they bring back funds of closed channels. A ${file} of 45 bytes is empty: skip it.`,
    ),
  ];
}

/** The same with stock tools. Long addresses go into variables, so that they are typed only once. */
function withoutUs(facts: KitFacts): KitBlock[] {
  const { tools, naming } = facts;
  const { curl } = tools;
  const versions = `each backup is a separate file, byte for byte what lncli reads: ${versionsPrefix}SEQUENCE-ID.backup. The last one by name is the newest.`;
  if (naming === "newest") {
    return [
      text(`Without it: ${versions} Replace KEY with its name.`),
      commands(
        ...tools.variables,
        ...alsoVariable(facts),
        tools.list(versionsPrefix),
        tools.copy(`${versionsPrefix}KEY`, file),
        ...copyAlso(facts, tools.copy),
      ),
    ];
  }
  return [
    text(
      `Without it: ${versions} ${latestKey} names the current one in its first "key", with its "sha256". Replace KEY with that name, and compare the sha256. If it lists "alsoRestore", copy each key there too, to ${alsoFile(file, 1)}, …-2, …${more(facts)}`,
    ),
    commands(
      ...tools.variables,
      ...alsoVariable(facts),
      tools.show(latestKey),
      tools.copy("KEY", file),
      ...copyAlso(facts, tools.copy),
      `sha256sum ${file}`,
    ),
    ...(curl === null || isCrowded(facts)
      ? []
      : [
          text("With curl alone:"),
          commands(
            ...curl.variables,
            curl.show(latestKey),
            curl.copy("KEY", file),
            ...copyAlso(facts, curl.copy),
          ),
        ]),
    text(
      facts.copies.length === 0
        ? "If that one is damaged, take an older one:"
        : "If that one is damaged or gone, do the same in another copy: it has the same layout, with keys of its own. Or take an older one:",
    ),
    commands(tools.list(versionsPrefix)),
  ];
}

function more({ also }: KitFacts): string {
  if (also.length === 0) return "";
  const some = also.length > mostAlso ? ` (the first ${mostAlso} of ${also.length})` : "";
  return ` When this page was printed, it listed the keys in A${some}.`;
}

/** Sets `A` to what else a restore needed when the page was printed. */
function alsoVariable(facts: KitFacts): string[] {
  const also = alsoKeys(facts);
  return also.length === 0 ? [] : [`A="${also.join(" ")}"`];
}
