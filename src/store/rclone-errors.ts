import type { ErrorCode } from "../runtime/error.ts";
import { ScbError } from "../runtime/error.ts";
import { foreignText, secretlessText } from "../runtime/foreign-text.ts";

/** Why rclone couldn't do something. */
export class RcloneTrouble extends Error {
  override readonly name = "RcloneTrouble";
  /** The status of its answer; null if it gave none. */
  readonly status: number | null;

  /** `message` contains no secrets and is fit for a message. */
  constructor(message: string, status: number | null = null) {
    super(message);
    this.status = status;
  }
}

/** What was asked of rclone, so that a message can name it. */
export interface RcloneAttempt {
  /** For people, completes "cannot …": "write a/b in rclone:nas:backups". */
  readonly doing: string;
  /** The remote's name in rclone.conf. */
  readonly remote: string;
  /** Something may have been written, so no text may be taken to mean that nothing was. */
  readonly mayHaveLanded?: boolean | undefined;
}

interface RcloneMeaning {
  readonly code: ErrorCode;
  /** The meaning and the remedy, as a clause. */
  readonly says: string;
}

type MeaningOf = (remote: string) => RcloneMeaning;

const busy =
  (says: string): MeaningOf =>
  () => ({ code: "store-busy", says });
const denied =
  (says: string): MeaningOf =>
  () => ({ code: "store-denied", says });
const wrong =
  (says: string): MeaningOf =>
  () => ({ code: "usage", says });
const rejected =
  (says: string): MeaningOf =>
  () => ({ code: "store-rejected", says });

/**
 * rclone has one text and hardly any code for the failures of its seventy backends, so the first matching
 * pattern counts. Anything else is "store-unknown", with rclone's own text.
 */
const meanings: readonly (readonly [words: RegExp, meaning: MeaningOf])[] = [
  [
    /didn't find section in config file/i,
    (remote) => ({
      code: "usage",
      says: `rclone knows no remote "${remote}": see rclone listremotes, or make it with rclone config`,
    }),
  ],
  [
    /decrypt config|ask for password|RCLONE_CONFIG_PASS|config.*password|Couldn't decrypt/i,
    wrong(
      "rclone's configuration is encrypted, and its password wasn't given or is wrong: set RCLONE_CONFIG_PASS, or RCLONE_PASSWORD_COMMAND",
    ),
  ],
  [
    /didn't find backend called|unknown (?:backend|remote) type/i,
    wrong("this rclone doesn't know the type of the remote: install a newer rclone"),
  ],
  [
    /CustomCABundle/i,
    wrong(
      "the S3 remotes of this rclone can't use AWS_CA_BUNDLE: unset AWS_CA_BUNDLE and set RCLONE_CA_CERT, or give the bucket as s3://",
    ),
  ],
  [
    /is a file not a directory/i,
    wrong("the path names a file: name the folder that holds the backups"),
  ],
  [
    /failed to load config file|couldn't read config|config file.*(?:permission|not)/i,
    wrong("rclone can't read its configuration file: see rclone config file"),
  ],
  [
    /couldn't fetch token|invalid_grant|token.{0,20}expired|expired.{0,20}token|empty token|oauth2:|invalid_token|reconnect/i,
    (remote) => ({
      code: "store-denied",
      says: `the remote's login has expired or was withdrawn: run rclone config reconnect ${remote}:`,
    }),
  ],
  [
    /knownhosts: key|host key|key mismatch/i,
    busy(
      "the server's host key isn't in known_hosts_file: find out why it changed before you trust it",
    ),
  ],
  [
    /x509:|certificate|tls: /i,
    busy(
      "the server's certificate isn't trusted: check the remote's URL, or name your own authority in RCLONE_CA_CERT",
    ),
  ],
  [
    /no space left|insufficient.?storage|quota|insufficient_space|disk.*full|not enough space/i,
    busy("the remote is full, or its quota used up: free some space"),
  ],
  [
    /too many requests|rate.?limit|\b429\b|slow ?down|\b503\b|service unavailable|temporarily/i,
    busy("the remote asks to come back later"),
  ],
  [
    /unable to authenticate|no supported methods remain|\b401\b|\b403\b|unauthori[sz]ed|forbidden|permission denied|access.?denied|login incorrect|530 /i,
    denied("the remote refuses this login, or it may not do this: check the remote's credentials"),
  ],
  [
    /connection refused|no such host|no route to host|unreachable|server misbehaving|dial tcp|couldn't connect|failed to dial|host is down|i\/o timeout/i,
    busy("the remote can't be reached: check the network and the remote's address"),
  ],
  [
    /method not allowed|\b405\b|\b501\b|not implemented|read.?only|doesn't support|not supported/i,
    rejected("the remote doesn't support this"),
  ],
];

/** Translates an error from a call of rclone. */
export function translateRcloneError(error: unknown, attempt: RcloneAttempt): unknown {
  if (!(error instanceof RcloneTrouble)) return error;
  const { doing, remote, mayHaveLanded = false } = attempt;
  const known = meanings.find(([words]) => words.test(error.message))?.[1](remote);
  const meaning = known ?? { code: "store-unknown", says: "rclone failed" };
  const code = mayHaveLanded && meaning.code === "store-busy" ? "store-unknown" : meaning.code;
  const said = error.message === "" ? "" : ` (rclone: ${error.message})`;
  return new ScbError(code, `cannot ${doing}: ${meaning.says}${said}`, { cause: error });
}

/** rclone's text, fit for a message: without `secrets` and anything that looks like one. */
export function rcloneText(text: string, secrets: readonly string[]): string {
  const bare = text
    // Credentials in a URL, before or after the host.
    .replaceAll(/(:\/\/)[^/@\s"]*@/g, "$1")
    .replaceAll(/(:\/\/[^\s"?]*)\?[^\s"]*/g, "$1?…")
    .replaceAll(/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, "$1 …")
    .replaceAll(
      /((?:token|secret|pass(?:word|wd)?|api_?key|code|assertion)["']?\s*[:=]\s*)(?:"[^"]*"|[^\s,"'}&]+)/gi,
      "$1…",
    );
  return secretlessText(foreignText(bare, secrets));
}
