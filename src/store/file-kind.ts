import { pathToFileURL } from "node:url";
import { percentDecoded } from "../runtime/percent-decoded.ts";
import { shellQuote } from "../runtime/shell-quote.ts";
import { parseUrl, usage } from "./location-text.ts";
import type { StoreKind } from "./store-kind.ts";

/** A folder of this machine. */
export interface FileLocation {
  readonly kind: "file";
  /** Absolute. */
  readonly path: string;
}

const form = "file:///PATH";

export const fileKind: StoreKind<FileLocation> = {
  kind: "file",
  scheme: "file:",
  form,
  parameters: "",
  parse,
  format: ({ path }) => pathToFileURL(path).href,
  async open({ path }, { requestTimeoutMs, logger, clock, random }) {
    const { FileStore } = await import("./file-store.ts");
    return new FileStore({ root: path, requestTimeoutMs, logger, clock, random });
  },
  access: {
    kept: "The disk with the backups is kept",
    severalKept: "The disk with the backups is kept",
    credentials: null,
    severalCredentials: null,
  },
  leastRights: ({ path }) => ({
    advice: [
      `The mirror's user must own ${path}, or be permitted to create it. Use a folder two levels below the mount point of another disk: then nothing is written while the disk is not mounted.`,
    ],
    policy: null,
  }),
  stockTools: ({ path }, folder) => ({
    variables: [`B=${shellQuote(`${path}/${folder}`)}`],
    show: (key) => `cat "$B/${key}"`,
    copy: (key, to) => `cp "$B/${key}" ${to}`,
    list: (prefix) => `ls "$B/${prefix}"`,
    curl: null,
  }),
};

function parse(text: string): FileLocation {
  if (!text.startsWith("file:///")) {
    throw usage(`write a folder as its absolute path, with three slashes: ${form}`);
  }
  if (/[?#]/.test(text)) {
    throw usage("a file location has no parameters: write ? as %3F and # as %23");
  }
  const unreadable = `the file location isn't valid: write it as ${form}`;
  const { pathname } = parseUrl(text, unreadable, "a file location holds no credentials");
  const path = percentDecoded(pathname, "the location").replace(/\/+$/, "");
  if (path === "") throw usage(`the root folder can't be a store: name a folder, as in ${form}`);
  if (path.includes("\0")) throw usage("a path can't hold a zero byte");
  return { kind: "file", path };
}
