import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { z } from "zod";
import { provisionLndOracle } from "./provision.ts";

const hex = z.string().transform((digits) => new Uint8Array(Buffer.from(digits, "hex")));
const readSingleSchema = z.union([
  z.object({ error: z.string(), leftBytes: z.number() }),
  z.object({ leftBytes: z.number(), rewritten: hex, single: z.unknown() }),
]);

/**
 * How lnd reads one Single: why it can't, or how many bytes it left unread, what it then writes, and the
 * channel as `inspect --json --with-close-tx` prints it.
 */
export type LndRead = z.infer<typeof readSingleSchema>;

export interface KeyPlace {
  readonly family: number;
  readonly index: number;
}

/** lnd's own Go code, asked over a pipe. If lnd refuses the input, the result is an Error with its message. */
export interface LndOracle extends AsyncDisposable {
  /** Random Singles of every version, made from a seed, with everything that lnd's types can hold. */
  makeSingles(seed: number, count: number): Promise<readonly LndRead[]>;
  readSingles(plaintexts: readonly Uint8Array[]): Promise<readonly LndRead[]>;
  /** Packs under the key ring whose key at 7/0 is `pubKey`. */
  packSingle(pubKey: Uint8Array, plaintext: Uint8Array): Promise<Uint8Array>;
  packMulti(pubKey: Uint8Array, plaintexts: readonly Uint8Array[]): Promise<Uint8Array>;
  unpackSingle(pubKey: Uint8Array, packed: Uint8Array): Promise<LndRead>;
  unpackMulti(pubKey: Uint8Array, packed: Uint8Array): Promise<readonly LndRead[]>;
  /** Which of these btcec takes for public keys. */
  parseKeys(keys: readonly Uint8Array[]): Promise<readonly boolean[]>;
  /** Public keys of a real wallet made from the entropy (`keychain.BtcWalletKeyRing`). */
  deriveKeys(
    entropy: Uint8Array,
    coinType: number,
    locators: readonly KeyPlace[],
  ): Promise<readonly Uint8Array[]>;
  makeWords(entropy: Uint8Array, passphrase: string): Promise<readonly string[]>;
  readWords(words: readonly string[], passphrase: string): Promise<Uint8Array>;
  /** Medians of lnd's own times for this Multi. */
  timeMulti(
    pubKey: Uint8Array,
    packed: Uint8Array,
    rounds: number,
  ): Promise<{ packMs: number; unpackMs: number }>;
}

/** Builds it where it isn't cached. Throws PeerUnavailable. */
export async function startLndOracle(): Promise<LndOracle> {
  const child = spawn(await provisionLndOracle(), { stdio: ["pipe", "pipe", "inherit"] });
  const ask = lineByLine(child);
  const packedSchema = z.object({ packed: hex });
  return {
    makeSingles: (seed, count) =>
      ask(z.array(readSingleSchema), { op: "makeSingles", seed, count }),
    readSingles: (plaintexts) =>
      ask(z.array(readSingleSchema), { op: "readSingles", singles: plaintexts }),
    async packSingle(pubKey, plaintext) {
      const request = { op: "packSingle", pubKey, singles: [plaintext] };
      return (await ask(packedSchema, request)).packed;
    },
    async packMulti(pubKey, plaintexts) {
      return (await ask(packedSchema, { op: "packMulti", pubKey, singles: plaintexts })).packed;
    },
    async unpackSingle(pubKey, packed) {
      const [read] = await ask(z.tuple([readSingleSchema]), { op: "unpackSingle", pubKey, packed });
      return read;
    },
    unpackMulti: (pubKey, packed) =>
      ask(z.array(readSingleSchema), { op: "unpackMulti", pubKey, packed }),
    parseKeys: (keys) => ask(z.array(z.boolean()), { op: "parseKeys", keys }),
    async deriveKeys(entropy, coinType, locators) {
      const request = { op: "deriveKeys", entropy, coinType, locators };
      return (await ask(z.object({ keys: z.array(hex) }), request)).keys;
    },
    async makeWords(entropy, passphrase) {
      const request = { op: "makeWords", entropy, passphrase: Buffer.from(passphrase) };
      return (await ask(z.object({ words: z.array(z.string()) }), request)).words;
    },
    async readWords(words, passphrase) {
      const request = { op: "readWords", words, passphrase: Buffer.from(passphrase) };
      return (await ask(z.object({ entropy: hex }), request)).entropy;
    },
    timeMulti: (pubKey, packed, rounds) =>
      ask(z.object({ packMs: z.number(), unpackMs: z.number() }), {
        op: "timeMulti",
        pubKey,
        packed,
        rounds,
      }),
    async [Symbol.asyncDispose]() {
      child.stdin.end();
      if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
    },
  };
}

type Ask = <T>(schema: z.ZodType<T>, request: object) => Promise<T>;

/** The oracle answers in the order in which it was asked. */
function lineByLine(child: ChildProcessByStdio<Writable, Readable, null>): Ask {
  const waiting: PromiseWithResolvers<string>[] = [];
  createInterface({ input: child.stdout, crlfDelay: Number.POSITIVE_INFINITY }).on("line", (line) =>
    waiting.shift()?.resolve(line),
  );
  const fail = (): void => {
    for (const { reject } of waiting.splice(0)) reject(new Error("lnd-oracle has ended"));
  };
  child.once("close", fail);
  // A broken pipe: it has ended, or is about to.
  child.stdin.on("error", fail);

  return async (schema, request) => {
    if (child.exitCode !== null) throw new Error("lnd-oracle has ended");
    const answer = Promise.withResolvers<string>();
    waiting.push(answer);
    child.stdin.write(`${JSON.stringify(request, withBytesAsHex)}\n`);
    const parsed: unknown = JSON.parse(await answer.promise);
    const refusal = z.strictObject({ error: z.string() }).safeParse(parsed);
    if (refusal.success) throw new Error(refusal.data.error);
    return schema.parse(parsed);
  };
}

function withBytesAsHex(this: unknown, key: string, value: unknown): unknown {
  // A Buffer has already been converted by its own toJSON here.
  const given = (this as Record<string, unknown>)[key];
  return given instanceof Uint8Array ? Buffer.from(given).toString("hex") : value;
}
