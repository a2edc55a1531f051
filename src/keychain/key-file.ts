import { open } from "node:fs/promises";
import { abortable } from "../runtime/abort.ts";
import { boundedRead } from "../runtime/bounded-read.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { type Random, systemRandom } from "../runtime/random.ts";
import { decipherWords } from "./aezeed-words.ts";
import { HdKeyRing } from "./hd-key-ring.ts";
import { keyFamilies } from "./key-locator.ts";
import { deriveBackupKey } from "./key-ring.ts";
import { decodedText, keyTokens } from "./key-text.ts";
import { type LoadedKey, loadedKey } from "./loaded-key.ts";
import type { Network } from "./network.ts";

/** What a key file doesn't say itself. */
export interface KeyFileOptions {
  /** The node's network: its coin type is part of the path to the backup key. */
  readonly network: Network;
  readonly random?: Random;
  /** Called only if the file holds words. Undefined and "" are aezeed's default. */
  readonly passphrase?: (() => Promise<string | undefined>) | undefined;
}

/**
 * Reads a file with 24 aezeed words, an extended private key or a backup key (64 hex digits), told apart
 * by content. Throws "io" if the file can't be read and "key" if its content can't be used. No message
 * quotes the content.
 */
export async function loadKeyFile(path: string, options: KeyFileOptions): Promise<LoadedKey> {
  const file = await readSecretFile(path, "key file");
  try {
    const { network, random = systemRandom } = options;
    const found = await readBackupKey(file.text, options);
    return loadedKey({ ...found, network, warnings: file.warnings }, random);
  } catch (error) {
    if (!(error instanceof ScbError)) throw error;
    throw new ScbError(error.code, `key file ${path}: ${error.message}`, { cause: error });
  }
}

/** Reads a passphrase. Everything but one trailing newline belongs to it. Throws "io". */
export async function readPassphraseFile(
  path: string,
): Promise<{ readonly passphrase: string; readonly warnings: readonly string[] }> {
  const { text, warnings } = await readSecretFile(path, "passphrase file");
  return { passphrase: text.replace(/\r?\n$/, ""), warnings };
}

type FoundKey = Pick<LoadedKey, "kind" | "identityPubkey"> & { readonly backupKey: Uint8Array };

async function readBackupKey(text: string, options: KeyFileOptions): Promise<FoundKey> {
  const tokens = keyTokens(text) ?? [];
  const [first = ""] = tokens;
  if (tokens.length === 1 && /^[0-9a-f]{64}$/i.test(first)) {
    const backupKey = Uint8Array.from(Buffer.from(first, "hex"));
    return { kind: "backup-key", backupKey, identityPubkey: null };
  }
  if (tokens.length === 1 && /^[a-z]prv/.test(first)) {
    const keyRing = HdKeyRing.fromExtendedKey(first, options.network);
    return { kind: "extended-key", ...(await keysOf(keyRing)) };
  }
  if (tokens.length > 1) {
    const entropy = await decipherWords(tokens, () => options.passphrase?.());
    return { kind: "words", ...(await keysOf(HdKeyRing.fromEntropy(entropy, options.network))) };
  }
  throw new ScbError(
    "key",
    "holds nothing that can read backups: give the 24 seed words (aezeed), an extended private key (xprv…, tprv…), " +
      "or a backup key (64 hex digits)",
  );
}

async function keysOf(keyRing: HdKeyRing): Promise<Omit<FoundKey, "kind">> {
  const backupKey = await deriveBackupKey(keyRing);
  if (!keyRing.hasFamily(keyFamilies.nodeKey)) return { backupKey, identityPubkey: null };
  const identity = await keyRing.deriveKey({ family: keyFamilies.nodeKey, index: 0 });
  return { backupKey, identityPubkey: Buffer.from(identity).toString("hex") };
}

interface SecretFile {
  readonly text: string;
  readonly warnings: readonly string[];
}

/** A pipe may come from a program that asks a person: `<(gpg -d words.gpg)`. */
const longestReadMs = 2 * 60_000;

/** Far more than words, a key or a passphrase take: a larger file was named by mistake. */
const largestSecretSizeBytes = 65_536;

async function readSecretFile(path: string, what: string): Promise<SecretFile> {
  try {
    return await abortable(readOpened(path, what), AbortSignal.timeout(longestReadMs));
  } catch (error) {
    if (!hasCode(error, "aborted")) throw error;
    throw new ScbError("io", `${what} ${path}: it could not be read within 2 min`, {
      cause: error,
    });
  }
}

async function readOpened(path: string, what: string): Promise<SecretFile> {
  try {
    await using file = await open(path, "r");
    const stat = await file.stat();
    // A folder can't be read, and a device has no size.
    const bytes = stat.isDirectory()
      ? null
      : await boundedRead(file.createReadStream({ autoClose: false }), largestSecretSizeBytes);
    if (bytes === null) throw new ScbError("key", `${what} ${path}: it isn't a small text file`);
    const isOpenToOthers = process.platform !== "win32" && (stat.mode & 0o077) !== 0;
    const warnings =
      stat.isFile() && isOpenToOthers
        ? [`${what} ${path} is open to other users of this machine: run chmod 600 on it`]
        : [];
    return { text: decodedText(bytes), warnings };
  } catch (error) {
    if (error instanceof ScbError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    // A path that names no file may be the passphrase itself.
    const isNamed = code !== "ENOENT" || what !== "passphrase file";
    const reason = reasons[code ?? ""] ?? "it can't be read";
    throw new ScbError("io", `${isNamed ? `${what} ${path}` : what}: ${reason}`, { cause: error });
  }
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file",
  EACCES: "this user may not read it",
  EISDIR: "it is a folder",
};
