import { latestKey, versionsPrefix } from "../../repository/layout.ts";
import { restoreCommand, shellQuote } from "../restore/backup-file.ts";
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
        text("With scb-mirror, which also checks it:"),
        commands(kitRestoreCommand(facts)),
        ...withoutUs(facts),
      ],
    },
    {
      title: "4. Hand it to lnd",
      blocks: [
        commands(restoreCommand("channel.backup", facts.network)),
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

/** The command that restores with this program. */
function kitRestoreCommand({ to, node }: KitFacts): string {
  return `scb-mirror restore --to ${shellQuote(to)} --node ${shellQuote(node)}`;
}

function credentialText({ place }: KitFacts): KitBlock[] {
  if (place.kind === "file") return [];
  return [
    text(
      "Put the credential into the environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, and AWS_SESSION_TOKEN if it has one) or into an AWS profile.",
    ),
  ];
}

/** The same with tools that everybody has. Long addresses go into variables: they are typed once. */
function withoutUs(facts: KitFacts): KitBlock[] {
  const { place, naming } = facts;
  const versions = `Each backup is a file of its own, byte for byte what lncli reads: ${versionsPrefix}SEQUENCE-ID.backup; the last in the order of names is the newest.`;
  if (naming === "newest") {
    return [
      text(`Without it: ${versions} Put its name for KEY.`),
      commands(...variables(facts), listCommand(facts), copyCommand(facts, `${versionsPrefix}KEY`)),
    ];
  }
  return [
    text(
      `Without it: ${versions} ${latestKey} names the current one in "key", with its "sha256". Put what it names for KEY, and compare the sha256.`,
    ),
    commands(
      ...variables(facts),
      showPointerCommand(facts),
      copyCommand(facts, "KEY"),
      "sha256sum channel.backup",
    ),
    ...(place.kind === "s3" ? [text("With curl alone:"), commands(...curlCommands(place))] : []),
    text("Should that one be damaged, take an older one:"),
    commands(listCommand(facts)),
  ];
}

type S3Place = Extract<KitPlace, { kind: "s3" }>;

/** `B`: where the node's backups are. `E`: the service, where it is not AWS. */
function variables({ place }: KitFacts): string[] {
  if (place.kind === "file") return [`B=${shellQuote(place.folder)}`];
  const { bucket, folder, endpoint } = place;
  return [
    `B=${shellQuote(`s3://${bucket}/${folder}`)}`,
    ...(endpoint === null ? [] : [`E=${shellQuote(endpoint)}`]),
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

function copyCommand({ place }: KitFacts, key: string): string {
  return place.kind === "s3"
    ? `aws s3 cp "$B/${key}" channel.backup${awsFlags(place)}`
    : `cp "$B/${key}" channel.backup`;
}

function listCommand({ place }: KitFacts): string {
  return place.kind === "s3"
    ? `aws s3 ls "$B/${versionsPrefix}"${awsFlags(place)}`
    : `ls "$B/${versionsPrefix}"`;
}

function curlCommands({ bucket, folder, endpoint, region }: S3Place): string[] {
  const inRegion = region ?? "us-east-1";
  const service = endpoint ?? `https://s3.${inRegion}.amazonaws.com`;
  const curl = `curl -f --aws-sigv4 aws:amz:${inRegion}:s3 --user "$AWS_ACCESS_KEY_ID:$AWS_SECRET_ACCESS_KEY"`;
  return [
    `U=${shellQuote(`${service}/${bucket}/${folder}`)}`,
    `${curl} "$U/${latestKey}"`,
    `${curl} -o channel.backup "$U/KEY"`,
  ];
}
