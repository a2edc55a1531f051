import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { type Network, networks } from "../../keychain/network.ts";
import { bakeMacaroonCommandTo } from "../../node/lnd/lnd-calls.ts";
import { expandPath } from "../../node/lnd/lnd-config.ts";
import { parseLndconnectUri } from "../../node/lnd/lndconnect-uri.ts";
import { findLocalLnd, type LocalLnd } from "../../node/lnd/local-lnd.ts";
import { checkNodeName } from "../../repository/layout.ts";
import { readSmallFile } from "../../runtime/small-file.ts";
import { checkSetting, problemOf } from "./check-answer.ts";
import type { Check, Dialogue } from "./dialogue.ts";
import type { Entries } from "./entries.ts";

type Answers = Map<Parameters<Entries["get"]>[0], string>;

/** Asks which node it is, and how to reach it. */
export async function askNode(dialogue: Dialogue): Promise<Entries> {
  const local = await findLocalLnd();
  const which = await dialogue.choose("Which node is to be mirrored?", [
    ...(local === null
      ? []
      : [
          {
            value: "local",
            label: "lnd on this machine",
            hint: `found in ${local.lndDir}`,
          } as const,
        ]),
    {
      value: "remote",
      label: local === null ? "lnd, by its address" : "another lnd, by its address",
      hint: "with its certificate and a macaroon",
    },
    { value: "lndconnect", label: "lnd, by an lndconnect URI", hint: "in a file" },
    {
      value: "file",
      label: "only its channel.backup",
      hint: "for a node that can't be reached over gRPC",
    },
  ]);
  switch (which) {
    case "local":
      return local === null ? new Map() : askLocal(dialogue, local);
    case "remote":
      return askRemote(dialogue);
    case "lndconnect":
      return askLndconnect(dialogue);
    case "file":
      return askFile(dialogue, local);
  }
}

async function askLocal(dialogue: Dialogue, local: LocalLnd): Promise<Entries> {
  const { lndDir, backupFile } = local;
  const [only, another] = local.networks;
  const network =
    only !== undefined && another === undefined ? only : await askNetwork(dialogue, local.networks);
  const answers: Answers = new Map([
    ["from", "lnd"],
    ["network", network],
    ["rpcserver", await askAddress(dialogue, "localhost:10009")],
    ["tlscertpath", join(lndDir, "tls.cert")],
    ["macaroonpath", await askMacaroon(dialogue, network)],
  ]);
  if (backupFile !== null && network === only) {
    dialogue.say(
      `${backupFile}\nkeeps a channel that this node has force closed until its funds are home; lnd itself doesn't.`,
    );
    if (await dialogue.yes("Watch this file as well?", true)) {
      answers.set("backup-file", backupFile);
    }
  }
  return answers;
}

async function askRemote(dialogue: Dialogue): Promise<Entries> {
  const address = await askAddress(dialogue, "");
  const answers: Answers = new Map([
    ["from", "lnd"],
    ["rpcserver", address],
  ]);
  if (/\.onion(?::|$)/.test(address)) {
    const socksproxy = await dialogue.text("Tor's SOCKS5 proxy", {
      initial: "127.0.0.1:9050",
      check: checkSetting("socksproxy"),
    });
    answers.set("socksproxy", socksproxy);
  }
  const certificate = await dialogue.text("A copy of lnd's tls.cert", {
    hint: '/path/to/tls.cert, or "system" if a public authority has signed it',
    check: (path) => (path === "system" ? undefined : isFile(path)),
  });
  answers.set("tlscertpath", certificate);
  const network = await askNetwork(dialogue, networks);
  answers.set("network", network);
  answers.set("macaroonpath", await askMacaroon(dialogue, network));
  return answers;
}

async function askLndconnect(dialogue: Dialogue): Promise<Entries> {
  const path = await dialogue.text("The file that holds the URI (lndconnect -j prints it)", {
    hint: "/path/to/lndconnect.txt",
    check: (given) =>
      isFile(given) ?? problemOf(() => parseLndconnectUri(readSmallFile(expandPath(given)).trim())),
  });
  return new Map([
    ["from", "lnd"],
    ["lndconnect-file", path],
  ]);
}

async function askFile(dialogue: Dialogue, local: LocalLnd | null): Promise<Entries> {
  const path = await dialogue.text("The channel.backup", {
    initial: local?.backupFile ?? "",
    hint: "/path/to/data/chain/bitcoin/mainnet/channel.backup",
    check: isFile,
  });
  const node = await dialogue.text("A name for the node's folder in the store", {
    hint: "alice, or the node's public key",
    check: (name) => problemOf(() => checkNodeName(name)),
  });
  return new Map([
    ["from", `file:${path}`],
    ["node", node],
  ]);
}

function askAddress(dialogue: Dialogue, initial: string): Promise<string> {
  return dialogue.text("lnd's gRPC address", {
    initial,
    hint: "host:10009",
    check: checkSetting("rpcserver"),
  });
}

function askNetwork(dialogue: Dialogue, offered: readonly Network[]): Promise<Network> {
  const choices = offered.length === 0 ? networks : offered;
  return dialogue.choose(
    "Which network is it on?",
    choices.map((value) => ({ value, label: value })),
  );
}

/** lnd's own would do as well, but can spend. */
async function askMacaroon(dialogue: Dialogue, network: Network): Promise<string> {
  const wanted = join(homedir(), "scb-mirror.macaroon");
  if (existsSync(wanted)) dialogue.say(`There is a macaroon at ${wanted}.`);
  else {
    dialogue.say(
      "The mirror wants a macaroon that reads backups and channels, and spends nothing.\nBake it on the node, in another terminal:",
    );
    dialogue.show(bakeMacaroonCommandTo(wanted, network));
  }
  return dialogue.text("The macaroon", { initial: wanted, check: isFile });
}

const isFile: Check = (path) => {
  if (path === "") return "give the path of a file";
  return existsSync(expandPath(path))
    ? undefined
    : "there is no such file, or this user may not see it";
};
