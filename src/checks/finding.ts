/**
 * How bad a finding is.
 * - `problem`: something is wrong, so the verdict is "unsafe".
 * - `unknown`: something necessary wasn't seen, so the verdict is at best "unknown".
 * - `warning`: worth knowing, but it doesn't affect the verdict.
 */
export type FindingLevel = "problem" | "unknown" | "warning";

interface FindingKind {
  readonly level: FindingLevel;
  /** Its meaning, for the documentation. */
  readonly means: string;
  /** What a person does about it. */
  readonly remedy: string;
}

/** All findings, as a closed list. A finding may override its kind's level: see `findingOf`. */
export const findingKinds = {
  "no-backup": {
    level: "problem",
    means: "The store holds no backup of this node.",
    remedy: "start scb-mirror run",
  },
  "store-unread": {
    level: "unknown",
    means: "The store didn't answer some or all of the reads that the check needs.",
    remedy: "try again; scb-mirror doctor shows what is wrong with the store",
  },
  "store-denied": {
    level: "unknown",
    means: "The store doesn't let this credential read what the check needs.",
    remedy:
      "grant it s3:GetObject on the node's folder and s3:ListBucket on the bucket, or use another credential",
  },
  "pointer-lost": {
    level: "problem",
    means: "The pointer is missing, but the versions show that there was one.",
    remedy:
      "find out who deleted it, then run scb-mirror repair, which shows what it must be and puts it back",
  },
  "pointer-damaged": {
    level: "problem",
    means: "The pointer can't be read, or contradicts itself.",
    remedy:
      "find out who else writes there, then run scb-mirror repair, which shows what it must be",
  },
  "pointer-behind": {
    level: "problem",
    means: "Someone restored an older pointer, so what was saved since then isn't current.",
    remedy: "run scb-mirror verify, then scb-mirror repair",
  },
  "version-beyond": {
    level: "problem",
    means:
      "A newer version was uploaded but never became current, and no swap in progress explains it.",
    remedy:
      "start scb-mirror run, which saves the node's state again; if the node is lost, scb-mirror restore offers that version",
  },
  "wrong-node": {
    level: "problem",
    means: "The backups in this folder belong to another node.",
    remedy: "check --node, --network and --to, and give each node its own folder",
  },
  "version-missing": {
    level: "problem",
    means: "A version that the pointer names, or that was listed, is missing.",
    remedy:
      "start scb-mirror run, which saves the node's state again; scb-mirror list shows the other versions",
  },
  "version-damaged": {
    level: "problem",
    means: "A version doesn't hold the bytes that were saved.",
    remedy:
      "don't restore from it; start scb-mirror run, which saves the node's state again; scb-mirror list shows the other versions",
  },
  "version-unproven": {
    level: "unknown",
    means: "Nothing records which bytes were saved as this version, and nothing has decrypted it.",
    remedy: "give --key-file or --from lnd, so that it can be decrypted",
  },
  "wrong-key": {
    level: "problem",
    means: "The key doesn't open a version that a restore needs.",
    remedy: "check the key, its passphrase and --network",
  },
  sealed: {
    level: "problem",
    means:
      "The node can't open a version that a restore needs, so it could restore nothing from it.",
    remedy: "run scb-mirror verify --from lnd: an older version may be this node's",
  },
  "not-opened": {
    level: "unknown",
    means: "There was no key or node that could open the backup.",
    remedy: "give --key-file or --from lnd, to know that it can be restored",
  },
  "node-unread": {
    level: "unknown",
    means: "The node didn't answer.",
    remedy: "check that it runs, and that the macaroon allows the calls (scb-mirror doctor)",
  },
  "not-covered": {
    level: "problem",
    means: "The node has channels that the current version lacks: they would be lost.",
    remedy: "check that scb-mirror run is up: the mirror is behind, or has stopped",
  },
  "limbo-not-covered": {
    level: "problem",
    means:
      "Closed channels have funds that haven't reached the wallet yet, and nothing in the store would bring them back.",
    remedy:
      "keep the node running until the funds are swept; start scb-mirror run, which looks for an older version that holds the channels",
  },
  "also-missing": {
    level: "problem",
    means:
      "An older version that a restore needs for funds in limbo is missing, is damaged, or lacks their channels.",
    remedy: "start scb-mirror run, which looks for another version that holds the channels",
  },
  "unknown-channels": {
    level: "unknown",
    means: "The backup holds channels that the node has never heard of.",
    remedy:
      "check the node before anything else: it may have lost its channel database, or be running on an old copy",
  },
  "not-compared": {
    level: "unknown",
    means: "There wasn't enough information to compare the node's channels with the backup's.",
    remedy: "use a macaroon that allows all of scb-mirror's calls (scb-mirror doctor names them)",
  },
  "node-restored": {
    level: "warning",
    means: "The node itself was restored, and is waiting for its peers to close channels.",
    remedy: "leave it running and connected; the backup from before the loss stays current",
  },
  "file-not-saved": {
    level: "problem",
    means: "The watched channel.backup isn't what the store holds.",
    remedy: "check that scb-mirror run is up: the mirror is behind, or has stopped",
  },
  stale: {
    level: "problem",
    means: "The newest backup is older than a running mirror would let it get.",
    remedy: "check that scb-mirror run is up",
  },
  "time-in-future": {
    level: "unknown",
    means: "A time in the store is in the future, so it proves nothing.",
    remedy: "correct the clocks of this machine and of the mirror's, and keep them right with NTP",
  },
  refused: {
    level: "problem",
    means: "A guard refused a newer backup.",
    remedy: "check the node before anything else; scb-mirror accept makes the newer backup current",
  },
  "drill-failed": {
    level: "problem",
    means: "The last drill found that a restore would fail, or would bring back too little.",
    remedy: "fix what it found, then run scb-mirror drill again",
  },
  "went-back": {
    level: "problem",
    means:
      "The store lost what a mirror had committed or watch had seen: someone restored an older folder.",
    remedy: "find out who writes there; scb-mirror verify shows what is left",
  },
  "store-behind": {
    level: "problem",
    means: "Another of the node's stores holds a newer state than this one.",
    remedy: "check that scb-mirror run is up, and what it says about this store",
  },
  "store-ahead": {
    level: "problem",
    means: "This store holds a newer state of the node than the stores that meet --require.",
    remedy:
      "check what scb-mirror run says about the others; restore takes the newest state of all",
  },
  "stores-disagree": {
    level: "problem",
    means: "Two of the node's stores hold different states, and neither is clearly newer.",
    remedy: "find out which mirrors write there; scb-mirror diff shows what each holds",
  },
  "same-store": {
    level: "warning",
    means: "Two of the stores look like one place under two names, which is one copy, not two.",
    remedy: "run scb-mirror doctor, which finds out by writing there; give each place only once",
  },
  "not-saved": {
    level: "problem",
    means: "The node's latest state isn't saved yet.",
    remedy: "fix what the mirror says it is waiting for",
  },
  stopped: {
    level: "problem",
    means: "The mirror stopped because of an error, so nothing is being saved.",
    remedy: "fix the error that it reported, then start scb-mirror run again",
  },
  "mirror-silent": {
    level: "unknown",
    means:
      "A mirror once reported that it was watching the node, but none has for longer than --max-silence.",
    remedy:
      "check that scb-mirror run is up, and what it says; if it runs only now and then, use --max-silence off",
  },
  unproved: {
    level: "unknown",
    means: "The mirror hasn't read back what it saved lately.",
    remedy: "check what the mirror says about the store",
  },
  restored: {
    level: "warning",
    means: "Someone fetched a version to restore it.",
    remedy: "if it wasn't you, find out who has your credentials",
  },
  gap: {
    level: "problem",
    means: "Versions are missing from the history, and prune didn't remove them.",
    remedy: "find out who deletes there; the remaining versions can still be restored",
  },
  branch: {
    level: "problem",
    means:
      "Someone once restored an older pointer, and a version that was saved before then isn't in the history.",
    remedy: "find out who writes there; scb-mirror restore can still fetch that version by its key",
  },
  "chain-broken": {
    level: "problem",
    means: "A version, or the pointer, doesn't follow the version before it.",
    remedy: "find out who else writes there; scb-mirror list shows the versions",
  },
  "metadata-wrong": {
    level: "problem",
    means: "A version's metadata contradicts its key.",
    remedy:
      "find out who else writes there: someone copied another version over it, or changed its metadata",
  },
  "record-damaged": {
    level: "problem",
    means: "The record of what prune removed can't be read, so gaps can't be explained.",
    remedy: "find out who else writes there; pruned.json can be restored from a copy of the folder",
  },
  undecryptable: {
    level: "problem",
    means: "The key or the node doesn't open a version in the history.",
    remedy:
      "check the key and --network; if only a few versions don't open, don't restore from those",
  },
  "stale-address": {
    level: "warning",
    means: "A peer announces none of the addresses that the backup holds for it.",
    remedy:
      "keep the mirror running: its next refresh saves the new addresses; until then a restored node may need lncli connect",
  },
  "no-address": {
    level: "warning",
    means: "The backup has no address at which a peer can be dialled, so the peer has to dial in.",
    remedy: "keep your node's address, so that the peer can find the restored node",
  },
  "no-answer": {
    level: "warning",
    means: "A peer isn't connected, and none of its addresses accepts a connection.",
    remedy:
      "check whether it still runs: a restore brings its channels' funds back only once it does",
  },
  "not-recorded": {
    level: "warning",
    means: "The drill's result wasn't recorded in the store.",
    remedy: "nothing, if that is intended; status won't know about this drill",
  },
} as const satisfies Readonly<Record<string, FindingKind>>;

/** One of a closed list. docs/findings.md has the remedy of each. */
export type FindingCode = keyof typeof findingKinds;

/** One finding, for people and for programs. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: FindingLevel;
  /** What it is about: a store, a key in it, or a node. Holds no secret. */
  readonly subject: string;
  /** What was seen. */
  readonly message: string;
  /** What to do. */
  readonly remedy: string;
}

/** Makes a finding, with its kind's level and remedy unless others are given. */
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
 * "safe" only if everything that was asked for was seen and nothing is wrong; "unsafe" for any problem;
 * otherwise "unknown".
 */
export type Verdict = "safe" | "unsafe" | "unknown";

/** Any problem makes it unsafe; anything necessary that wasn't seen makes it at best unknown. */
export function verdictOf(findings: readonly Pick<Finding, "level">[]): Verdict {
  if (findings.some(({ level }) => level === "problem")) return "unsafe";
  return findings.some(({ level }) => level === "unknown") ? "unknown" : "safe";
}

/** A finding as most commands' JSON has it: one line with what was seen and what to do. */
export interface ToldFinding {
  readonly code: FindingCode;
  readonly message: string;
}

export function toldOf({ code, message, remedy }: Finding): ToldFinding {
  return { code, message: `${message}: ${remedy}` };
}
