import { open } from "node:fs/promises";
import { ScbError } from "../runtime/error.ts";
import type { Random } from "../runtime/random.ts";
import { decipherWords } from "./aezeed-words.ts";
import { backupKeyEncrypter, type Encrypter } from "./encrypter.ts";
import { HdKeyRing } from "./hd-key-ring.ts";
import { deriveBackupKey } from "./key-ring.ts";
import type { Network } from "./network.ts";

export interface KeyFileOptions {
  /** The node's: its coin type is part of the path to the backup key. */
  readonly network: Network;
  readonly random: Random;
  /** Asked only when the file holds words. Undefined and "" are aezeed's own default. */
  readonly passphrase?: (() => Promise<string | undefined>) | undefined;
}

/** What a key file is good for. Of its content only the backup key is kept, and never shown unasked. */
export interface LoadedKey {
  readonly kind: "words" | "extended-key" | "backup-key";
  readonly encrypter: Encrypter;
  /** For people: what is wrong with the file, though it can be used. */
  readonly warnings: readonly string[];
  /** The backup key in hex. Whoever has it can read every backup of the node. */
  backupKey(): string;
}

/**
 * Reads a file that holds 24 aezeed words, an extended private key or a backup key (64 hex digits);
 * which one is told by its content. Throws `io` when it cannot be read and `key` when its content
 * cannot be used. No message quotes the content.
 */
export async function loadKeyFile(path: string, options: KeyFileOptions): Promise<LoadedKey> {
  const file = await readSecretFile(path, "key file");
  const tokens = file.text.trim().split(/\s+/);
  try {
    const { kind, backupKey } = await readBackupKey(tokens, options);
    return {
      kind,
      encrypter: backupKeyEncrypter(backupKey, options.random),
      warnings: file.warnings,
      backupKey: () => Buffer.from(backupKey).toString("hex"),
    };
  } catch (error) {
    if (!(error instanceof ScbError)) throw error;
    throw new ScbError(error.code, `key file ${path}: ${error.message}`, { cause: error });
  }
}

/** Reads a passphrase. One trailing newline is not part of it, everything else is. Throws `io`. */
export async function readPassphraseFile(
  path: string,
): Promise<{ readonly passphrase: string; readonly warnings: readonly string[] }> {
  const { text, warnings } = await readSecretFile(path, "passphrase file");
  return { passphrase: text.replace(/\r?\n$/, ""), warnings };
}

async function readBackupKey(
  tokens: readonly string[],
  options: KeyFileOptions,
): Promise<{ kind: LoadedKey["kind"]; backupKey: Uint8Array }> {
  const [first = ""] = tokens;
  if (tokens.length === 1 && /^[0-9a-f]{64}$/i.test(first)) {
    return { kind: "backup-key", backupKey: Uint8Array.from(Buffer.from(first, "hex")) };
  }
  if (tokens.length === 1 && /^[a-z]prv/.test(first)) {
    const keyRing = HdKeyRing.fromExtendedKey(first, options.network);
    return { kind: "extended-key", backupKey: await deriveBackupKey(keyRing) };
  }
  // lncli numbers the words that it prints.
  const words = tokens.filter((token) => !/^\d+\.?$/.test(token)).map((word) => word.toLowerCase());
  if (words.length > 1 && words.every((word) => /^[a-z]+$/.test(word))) {
    const entropy = await decipherWords(words, await options.passphrase?.());
    const keyRing = HdKeyRing.fromEntropy(entropy, options.network);
    return { kind: "words", backupKey: await deriveBackupKey(keyRing) };
  }
  throw new ScbError(
    "key",
    "holds none of what can read backups: 24 aezeed words, an extended private key (xprv…, tprv…), " +
      "or a backup key (64 hex digits)",
  );
}

/** Far more than words, key or passphrase take: a larger file was named by mistake. */
const largestSecretSizeBytes = 65_536;

async function readSecretFile(
  path: string,
  what: string,
): Promise<{ text: string; warnings: readonly string[] }> {
  try {
    await using file = await open(path, "r");
    const stat = await file.stat();
    if (stat.isDirectory() || stat.size > largestSecretSizeBytes) {
      throw new ScbError("key", `${what} ${path}: not a small text file`);
    }
    const isOpenToOthers = process.platform !== "win32" && (stat.mode & 0o077) !== 0;
    const warnings =
      stat.isFile() && isOpenToOthers
        ? [`${what} ${path} is open to other users of this machine: chmod 600 it`]
        : [];
    return { text: await file.readFile("utf8"), warnings };
  } catch (error) {
    if (error instanceof ScbError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new ScbError("io", `${what} ${path}: ${reasons[code ?? ""] ?? "cannot be read"}`, {
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
};
