import { latestKey, versionsPrefix } from "../../repository/layout.ts";
import { alsoFile, restoreCommand, shellQuote } from "../restore/backup-file.ts";
import { rescanCommands } from "../restore/rescan.ts";
import type { KitBlock, KitFacts, KitPlace, KitSection } from "./kit-facts.ts";

/** What to do, in order, with stock tools only; and, shorter, with this program. */
export function kitSteps(facts: KitFacts): readonly KitSection[] {
  return [
    {
      title: "1. Is the old node really lost?",
      blocks: [
        text(
          "If its disk can still be read, mend that node and stop here: a restore closes every channel. Once you have begun, never start the old node or its database again.",
        ),
      ],
    },
    {
      title: "2. A new lnd from the same 24 words",
      blocks: [
        text(
          "On a new machine install lnd, of the old version or a newer one, on the same network, and start it. Then make its wallet: answer y to the existing seed, and give the 24 words, their passphrase if there is one, and a recovery window of 2500.",
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
            : "With scb-mirror, which checks it and takes the newest of all copies (--to for each):",
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
          "Should it say message authentication failed: the words, their passphrase or the network are not this node's.",
        ),
      ],
    },
    {
      title: "5. Wait",
      blocks: [
        text(
          "lnd asks each peer to close its channel. Some blocks later (3 to 6 after each close, then one for the sweep) the funds are in the wallet. A peer that is offline is waited for, days if need be; one that has moved can be told with lncli connect PUBKEY@HOST:PORT.",
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
          "A sweep or cooperative close of the old node that had no block yet when it was lost confirms where the new wallet doesn't look. If there may have been one: when all is home, start lnd once so. It only finds coins.",
        ),
        commands(...rescanCommands(facts.network)),
      ],
    },
    {
      title: "Never",
      blocks: [
        text(
          "Never publish an old commitment transaction or force close by hand: the peer may take all of the channel. Never restore into a node that still runs. Never put a backup in the place of lnd's own channel.backup: that restores nothing, and may keep lnd from starting.",
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

/** Long addresses of several stores leave no room for all: they stand at the top of the page. */
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

function credentialText({ place, copies }: KitFacts): KitBlock[] {
  const buckets = [place, ...copies].filter(({ kind }) => kind === "s3").length;
  if (buckets === 0) return [];
  const each =
    buckets === 1 ? "" : " Two accounts need a profile each: ?profile=NAME in --to names it.";
  return [
    text(
      `Put the credential into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if it has one) or into an AWS profile.${each}`,
    ),
  ];
}

const file = "channel.backup";
/** More would need a second sheet; the pointer names them all. */
const mostAlso = 3;

/** What is needed besides, as long as there is room: the keys that `A` holds. */
function alsoKeys({ also }: KitFacts): readonly string[] {
  return also.slice(0, mostAlso);
}

/** Copies each key that `A` holds into a file of its own. */
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
      `Then the same with each ${alsoFile(file, 1)}, …-2, … that you have: they hold funds of closed channels. A ${file} of 45 bytes is empty: leave it out.`,
    ),
  ];
}

/** The same with tools that everybody has. Long addresses go into variables: they are typed once. */
function withoutUs(facts: KitFacts): KitBlock[] {
  const { place, naming } = facts;
  const versions = `Each backup is a file of its own, byte for byte what lncli reads: ${versionsPrefix}SEQUENCE-ID.backup; the last in the order of names is the newest.`;
  const copies = copyAlso(facts, (from, to) => copyCommand(facts, from, to));
  if (naming === "newest") {
    return [
      text(`Without it: ${versions} Put its name for KEY.`),
      commands(
        ...variables(facts),
        listCommand(facts),
        copyCommand(facts, `${versionsPrefix}KEY`, file),
        ...copies,
      ),
    ];
  }
  return [
    text(
      `Without it: ${versions} ${latestKey} names the current one first, in "key", with its "sha256". Put what it names for KEY, and compare the sha256. If it lists "alsoRestore", copy each key there, too, to ${alsoFile(file, 1)}, …-2, …${more(facts)}`,
    ),
    commands(
      ...variables(facts),
      showPointerCommand(facts),
      copyCommand(facts, "KEY", file),
      ...copies,
      `sha256sum ${file}`,
    ),
    ...(place.kind === "s3" && !isCrowded(facts)
      ? [text("With curl alone:"), commands(...curlCommands(facts, place))]
      : []),
    text(
      facts.copies.length === 0
        ? "Should that one be damaged, take an older one:"
        : "Should that one be damaged or gone, do the same in another copy: it is laid out alike, under keys of its own. Or take an older one:",
    ),
    commands(listCommand(facts)),
  ];
}

function more({ also }: KitFacts): string {
  if (also.length === 0) return "";
  const some = also.length > mostAlso ? ` (the first ${mostAlso} of ${also.length})` : "";
  return ` When this was printed it listed what is in A${some}.`;
}

type S3Place = Extract<KitPlace, { kind: "s3" }>;

/**
 * `B`: where the node's backups are. `E`: the service, if it is not AWS. `A`: what else is needed, if
 * anything was when the page was printed.
 */
function variables(facts: KitFacts): string[] {
  const { place } = facts;
  const also = alsoKeys(facts);
  const others = also.length === 0 ? [] : [`A="${also.join(" ")}"`];
  if (place.kind === "file") return [`B=${shellQuote(place.folder)}`, ...others];
  const { bucket, folder, endpoint } = place;
  return [
    `B=${shellQuote(`s3://${bucket}/${folder}`)}`,
    ...(endpoint === null ? [] : [`E=${shellQuote(endpoint)}`]),
    ...others,
  ];
}

function awsFlags({ region, endpoint }: S3Place): string {
  const inRegion = region === null ? "" : ` --region ${shellQuote(region)}`;
  return endpoint === null ? inRegion : `${inRegion} --endpoint-url "$E"`;
}

function showPointerCommand({ place }: KitFacts): string {
  return place.kind === "s3"
    ? `aws s3 cp "$B/${latestKey}" -${awsFlags(place)}`
    : `cat "$B/${latestKey}"`;
}

function copyCommand({ place }: KitFacts, key: string, to: string): string {
  return place.kind === "s3"
    ? `aws s3 cp "$B/${key}" ${to}${awsFlags(place)}`
    : `cp "$B/${key}" ${to}`;
}

function listCommand({ place }: KitFacts): string {
  return place.kind === "s3"
    ? `aws s3 ls "$B/${versionsPrefix}"${awsFlags(place)}`
    : `ls "$B/${versionsPrefix}"`;
}

function curlCommands(facts: KitFacts, { bucket, folder, endpoint, region }: S3Place): string[] {
  const inRegion = region ?? "us-east-1";
  const service = endpoint ?? `https://s3.${inRegion}.amazonaws.com`;
  return [
    `U=${shellQuote(`${service}/${bucket}/${folder}`)}`,
    `get() { curl -f --aws-sigv4 aws:amz:${inRegion}:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY" "$@"; }`,
    `get "$U/${latestKey}"`,
    `get -o ${file} "$U/KEY"`,
    ...copyAlso(facts, (from, to) => `get -o ${to} "$U/${from}"`),
  ];
}
