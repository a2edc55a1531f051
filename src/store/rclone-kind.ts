import { shellQuote } from "../runtime/shell-quote.ts";
import { usage } from "./location-text.ts";
import type { StoreKind } from "./store-kind.ts";

/** A folder of a remote in rclone's configuration. */
export interface RcloneLocation {
  readonly kind: "rclone";
  /** Without the colon. */
  readonly remote: string;
  /** As rclone takes it after the colon, without a trailing slash. Never empty. */
  readonly path: string;
}

const form = "rclone:REMOTE:PATH";
/**
 * rclone's names of remotes. A name that starts with ":" or holds "," would carry options, and so
 * secrets.
 */
const remotePattern = /^[\w.+@](?:[\w.+@ -]*[\w.+@-])?$/;

export const rcloneKind: StoreKind<RcloneLocation> = {
  kind: "rclone",
  scheme: "rclone:",
  form,
  parameters: "",
  parse,
  format: ({ remote, path }) => `rclone:${remote}:${path}`,
  async open({ remote, path }, options) {
    const { requestTimeoutMs, connectTimeoutMs, clock, random } = options;
    const { RcloneStore } = await import("./rclone-store.ts");
    return new RcloneStore({ remote, path, requestTimeoutMs, connectTimeoutMs, clock, random });
  },
  access: {
    kept: "The rclone.conf that knows the remote is kept",
    severalKept: "The rclone.conf that knows the remotes is kept",
    credentials:
      "Put rclone.conf where rclone config file says, or create the remote again with rclone config.",
    severalCredentials: null,
  },
  leastRights: () => ({
    advice: [
      "This store is append-only: run exactly one mirror on it. A login that can write there can also delete, so keep versions or snapshots on the server, or use a second store.",
    ],
    policy: null,
  }),
  stockTools: ({ remote, path }, folder) => ({
    variables: [`B=${shellQuote(`${remote}:${path}/${folder}`)}`],
    show: (key) => `rclone cat "$B/${key}"`,
    // On a remote without file times, a file of the same size would be taken for the same file.
    copy: (key, to) => `rclone copyto --ignore-times "$B/${key}" ${to}`,
    list: (prefix) => `rclone lsf --include '*.backup' "$B/${prefix}"`,
    curl: null,
  }),
};

function parse(text: string): RcloneLocation {
  const [, remote = "", given = ""] = /^rclone:([^:]*):(.*)$/su.exec(text) ?? [];
  if (!remotePattern.test(remote)) {
    throw usage(
      `write an rclone location as ${form}: REMOTE is a name that rclone listremotes shows; options and credentials belong in rclone's configuration`,
    );
  }
  const path = given.replaceAll(/\/{2,}/g, "/").replace(/\/$/, "");
  if (path === "") throw usage(`an rclone location must name a folder of the remote: ${form}`);
  if (/[\p{C}[\]\\]/u.test(path) || path.split("/").some((part) => /^\.{1,2}$/.test(part))) {
    throw usage(
      "the path in the rclone location: no control characters, no [ ] or \\, no . or .. between slashes",
    );
  }
  return { kind: "rclone", remote, path };
}
