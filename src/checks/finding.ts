/**
 * How bad a finding is.
 * - `problem`: something is wrong: the verdict is "unsafe".
 * - `unknown`: something that is needed was not seen: the verdict is at best "unknown".
 * - `warning`: worth knowing; the verdict doesn't rest on it.
 */
export type FindingLevel = "problem" | "unknown" | "warning";

interface FindingKind {
  readonly level: FindingLevel;
  /** What it means, for the documentation. */
  readonly means: string;
  /** What a person does about it. */
  readonly remedy: string;
}

/** Everything that can be found, as a closed list. A level is the usual one: see `findingOf`. */
export const findingKinds = {
  "no-backup": {
    level: "problem",
    means: "The store holds no backup of this node.",
    remedy: "start scb-mirror run",
  },
  "store-unread": {
    level: "unknown",
    means: "The store didn't answer, or not for all that had to be read.",
    remedy: "try again; scb-mirror doctor says what is wrong with the store",
  },
  "store-denied": {
    level: "unknown",
    means: "The store refuses to let this credential read what had to be read.",
    remedy:
      "give it s3:GetObject on the node's folder and s3:ListBucket on the bucket, or use another one",
  },
  "pointer-lost": {
    level: "problem",
    means: "The pointer is gone, though versions show that there was one.",
    remedy:
      "find out who deleted it, then have scb-mirror repair show what it must be and put it back",
  },
  "pointer-damaged": {
    level: "problem",
    means: "The pointer can't be read, or contradicts itself.",
    remedy: "look at who else writes there, then have scb-mirror repair show what it must be",
  },
  "pointer-behind": {
    level: "problem",
    means: "Somebody restored an older pointer: what was saved since isn't current.",
    remedy: "look at scb-mirror verify and scb-mirror repair",
  },
  "version-beyond": {
    level: "problem",
    means:
      "A newer version was uploaded and never became current, and no swap under way explains it.",
    remedy:
      "start scb-mirror run, which saves the node's state anew; if the node is lost, scb-mirror restore offers that version",
  },
  "wrong-node": {
    level: "problem",
    means: "The backups in this folder are another node's.",
    remedy: "check --node, --network and --to, and give each node a folder of its own",
  },
  "version-missing": {
    level: "problem",
    means: "A version that the pointer names, or that was listed, is not there.",
    remedy: "start scb-mirror run, which saves it anew; scb-mirror list shows the others",
  },
  "version-damaged": {
    level: "problem",
    means: "A version holds other bytes than were saved.",
    remedy:
      "don't restore from it: start scb-mirror run, which saves it anew; scb-mirror list shows the others",
  },
  "version-unproven": {
    level: "unknown",
    means: "Nothing says which bytes were saved as this version, and nothing opened it.",
    remedy: "give --key-file, or --from lnd, to have it opened",
  },
  "wrong-key": {
    level: "problem",
    means: "The key that was given doesn't open a version that a restore needs.",
    remedy: "check the key, its passphrase and --network",
  },
  sealed: {
    level: "problem",
    means:
      "The node can't open a version that a restore needs, so it would bring back nothing of it.",
    remedy: "look at scb-mirror verify --from lnd: an older version may be this node's",
  },
  "not-opened": {
    level: "unknown",
    means: "Nothing that was given could open the backup.",
    remedy: "give --key-file, or --from lnd, to know that it can be restored",
  },
  "node-unread": {
    level: "unknown",
    means: "The node was to be asked, and didn't answer.",
    remedy: "look whether it runs, and whether the macaroon allows it (scb-mirror doctor)",
  },
  "not-covered": {
    level: "problem",
    means: "The node has channels that the current version doesn't hold: they would be lost.",
    remedy: "look whether scb-mirror run is up: the mirror is behind, or stopped",
  },
  "limbo-not-covered": {
    level: "problem",
    means:
      "Channels that closed hold funds which aren't home yet, and nothing in the store would bring them back.",
    remedy:
      "keep the node running until they are swept; start scb-mirror run, which looks for an older version that holds them",
  },
  "also-missing": {
    level: "problem",
    means:
      "An older version that a restore needs for funds in limbo is not there, not whole, or doesn't hold their channels.",
    remedy: "start scb-mirror run, which looks for another version that holds them",
  },
  "unknown-channels": {
    level: "unknown",
    means: "The backup holds channels that the node has never heard of.",
    remedy:
      "look at the node before anything else: it may have lost its channel database, or run on an old copy",
  },
  "not-compared": {
    level: "unknown",
    means: "The node didn't tell enough to compare its channels with the backup's.",
    remedy:
      "give it a macaroon that allows all of scb-mirror's calls (scb-mirror doctor names them)",
  },
  "node-restored": {
    level: "warning",
    means: "The node itself was restored, and waits for its peers to close channels.",
    remedy: "leave it running and connected; the backup from before the loss stays current",
  },
  "file-not-saved": {
    level: "problem",
    means: "The channel.backup that is watched isn't what the store holds.",
    remedy: "look whether scb-mirror run is up: the mirror is behind, or stopped",
  },
  stale: {
    level: "problem",
    means: "No backup was saved for longer than a running mirror lets pass.",
    remedy: "look whether scb-mirror run is up",
  },
  "time-in-future": {
    level: "unknown",
    means: "A time in the store is later than now, so nothing can be concluded from it.",
    remedy: "set the clocks of this machine and of the mirror's, and keep them right with NTP",
  },
  refused: {
    level: "problem",
    means: "A guard held a newer backup back.",
    remedy: "look at the node before anything else; scb-mirror accept goes on from the newer one",
  },
  "drill-failed": {
    level: "problem",
    means: "The last drill found that a restore would not work, or bring back too little.",
    remedy: "mend what it found, and run scb-mirror drill again",
  },
  "went-back": {
    level: "problem",
    means:
      "The store lost what a mirror had committed, or watch had seen: somebody restored an older folder.",
    remedy: "find out who writes there; scb-mirror verify shows what is left",
  },
  "store-behind": {
    level: "problem",
    means: "Another of the node's stores holds a newer state than this one.",
    remedy: "look whether scb-mirror run is up, and what it says of this store",
  },
  "store-ahead": {
    level: "problem",
    means:
      "This store holds a newer state of the node than those that were to be enough (--require).",
    remedy: "look at what scb-mirror run says of the others; restore takes the newest of all",
  },
  "stores-disagree": {
    level: "problem",
    means: "Two of the node's stores hold different states, and neither is plainly the newer one.",
    remedy: "find out which mirrors write there; scb-mirror diff shows what each holds",
  },
  "same-store": {
    level: "warning",
    means: "Two of the stores look like one place under two names: then it is one copy, not two.",
    remedy: "scb-mirror doctor finds out by writing to it; name each place once",
  },
  "not-saved": {
    level: "problem",
    means: "The node's last state isn't saved yet.",
    remedy: "mend what the mirror says it is waiting for",
  },
  stopped: {
    level: "problem",
    means: "The mirror has ended by itself, so nothing is saved from now on.",
    remedy: "mend what it says, and start scb-mirror run again",
  },
  "mirror-silent": {
    level: "unknown",
    means:
      "A mirror said of itself that it looks after the node, and none has for longer than --max-silence.",
    remedy:
      "look whether scb-mirror run is up, and what it says; if it runs only now and then, give --max-silence off",
  },
  unproved: {
    level: "unknown",
    means: "What was saved hasn't been read back lately.",
    remedy: "look at what the mirror says of the store",
  },
  restored: {
    level: "warning",
    means: "Somebody took a version out to restore it.",
    remedy: "if it wasn't you, find out who has your credentials",
  },
  gap: {
    level: "problem",
    means: "Versions are missing from the history, and prune didn't remove them.",
    remedy: "find out who deletes there; the versions that are left can still be restored",
  },
  branch: {
    level: "problem",
    means:
      "Somebody restored an older pointer in the past: what was saved before that isn't in the history.",
    remedy: "find out who writes there; scb-mirror restore still takes that version by its key",
  },
  "chain-broken": {
    level: "problem",
    means: "A version, or the pointer, doesn't follow the version before it.",
    remedy: "look at who else writes there; scb-mirror list shows the versions",
  },
  "metadata-wrong": {
    level: "problem",
    means: "A version says of itself what its key doesn't say.",
    remedy: "look at who else writes there: somebody copied it over, or wrote over its metadata",
  },
  "record-damaged": {
    level: "problem",
    means: "The record of what prune removed can't be read, so gaps can't be explained.",
    remedy:
      "look at who else writes there; pruned.json can be brought back from a copy of the folder",
  },
  undecryptable: {
    level: "problem",
    means: "The key, or the node, doesn't open a version of the history.",
    remedy: "check the key and --network; if only a few don't open, don't restore from those",
  },
  "stale-address": {
    level: "warning",
    means: "A peer announces none of the addresses that the backup holds for it.",
    remedy:
      "keep the mirror running: its next refresh saves them; until then a restored node may need lncli connect",
  },
  "no-address": {
    level: "warning",
    means: "The backup holds no address of a peer that can be dialled: the peer has to dial in.",
    remedy: "keep your node's own address, so that the peer finds a restored node",
  },
  "no-answer": {
    level: "warning",
    means: "A peer is not connected, and none of its addresses takes a connection.",
    remedy: "look whether it still runs: its channels come back only once it does",
  },
  "not-recorded": {
    level: "warning",
    means: "The result of the drill is not kept in the store.",
    remedy: "nothing, if that is what you meant; status doesn't know of this drill",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

/** What was found: one of a closed list, each with its remedy in docs/findings.md. */
export type FindingCode = keyof typeof findingKinds;

/** One thing that was found, for people and for programs. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  /** What it is about: a store, a key in it, a node. Holds no secret. */
  readonly subject: string;
  /** What was seen. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** A finding of its kind's usual level and remedy, unless given others. */
export function findingOf(
  code: FindingCode,
  subject: string,
  message: string,
  { level, remedy }: Partial<Pick<Finding, "level" | "remedy">> = {},
): Finding {
  const kind = findingKinds[code];
  return {
    code,
    level: level ?? kind.level,
    subject,
    message,
    remedy: remedy ?? kind.remedy,
  };
}

/**
 * "safe" only if all that was asked for was seen, and nothing is wrong; "unsafe" for a problem;
 * else "unknown".
 */
export type Verdict = "safe" | "unsafe" | "unknown";

/** Any problem is unsafe; anything that is needed and was not seen is unknown. */
export function verdictOf(findings: readonly Pick<Finding, "level">[]): Verdict {
  if (findings.some(({ level }) => level === "problem")) return "unsafe";
  return findings.some(({ level }) => level === "unknown") ? "unknown" : "safe";
}

/** A finding as the JSON of most commands has it: one line of what was seen, and what to do. */
export interface ToldFinding {
  readonly code: FindingCode;
  readonly message: string;
}

export function toldOf({ code, message, remedy }: Finding): ToldFinding {
  return { code, message: `${message}: ${remedy}` };
}
