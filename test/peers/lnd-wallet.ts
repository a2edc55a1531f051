import { readFile } from "node:fs/promises";
import { request } from "node:https";
import { z } from "zod";

/** How a real wallet is made: `lnrpc.InitWalletRequest`. */
export interface WalletSeed {
  /** 24 aezeed words. Default: new ones. */
  readonly words?: readonly string[];
  readonly aezeedPassphrase?: string;
  /** The recovery window in addresses. Default: none, a new wallet. */
  readonly recoveryWindow?: number;
  /** A packed Multi to restore at once. */
  readonly multiChanBackup?: Uint8Array;
}

const seedSchema = z.object({ cipher_seed_mnemonic: z.array(z.string()).length(24) });

/**
 * Makes the wallet of an lnd that has none, over REST, because `lncli create` asks at a terminal. Returns the
 * seed words.
 */
export async function initWallet(
  restHost: string,
  tlsCertPath: string,
  walletPassword: string,
  seed: WalletSeed,
): Promise<readonly string[]> {
  const ca = await readFile(tlsCertPath);
  const base64 = (text: string): string => Buffer.from(text).toString("base64");
  const passphrase = base64(seed.aezeedPassphrase ?? "");
  const call = (method: string, path: string, body?: object): Promise<unknown> =>
    callRest({ ca, url: `https://${restHost}${path}`, method, body });
  const words =
    seed.words ??
    seedSchema.parse(
      await call("GET", `/v1/genseed?aezeed_passphrase=${encodeURIComponent(passphrase)}`),
    ).cipher_seed_mnemonic;
  await call("POST", "/v1/initwallet", {
    wallet_password: base64(walletPassword),
    cipher_seed_mnemonic: words,
    aezeed_passphrase: passphrase,
    recovery_window: seed.recoveryWindow ?? 0,
    ...(seed.multiChanBackup !== undefined && {
      channel_backups: {
        multi_chan_backup: {
          multi_chan_backup: Buffer.from(seed.multiChanBackup).toString("base64"),
        },
      },
    }),
  });
  return words;
}

interface RestCall {
  readonly ca: Buffer;
  readonly url: string;
  readonly method: string;
  readonly body: object | undefined;
}

function callRest({ ca, url, method, body }: RestCall): Promise<unknown> {
  const { promise, resolve, reject } = Promise.withResolvers<unknown>();
  const call = request(url, { ca, method, timeout: 240_000, agent: false }, (response) => {
    const chunks: Buffer[] = [];
    response.on("data", (chunk: Buffer) => chunks.push(chunk));
    response.on("error", reject);
    response.on("end", () => {
      const text = Buffer.concat(chunks).toString();
      if (response.statusCode === 200) resolve(JSON.parse(text));
      else reject(new Error(`${method} ${new URL(url).pathname}: ${response.statusCode} ${text}`));
    });
  });
  call.on("timeout", () => call.destroy(new Error(`${method}: no answer from lnd's REST`)));
  call.on("error", reject);
  call.end(body === undefined ? undefined : JSON.stringify(body));
  return promise;
}
