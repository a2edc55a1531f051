import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { mayBeSecret } from "../../src/runtime/secret-text.ts";
import { seedWords } from "../support/planted-secrets.ts";

const hex64 = "0123456789abcdef".repeat(4);
const numbered = seedWords.split(" ").map((word, at) => `${at + 1}. ${word}`);

describe("what may be a secret", () => {
  const secrets: Readonly<Record<string, string>> = {
    "24 words": seedWords,
    "24 words, one a line": seedWords.replaceAll(" ", "\n"),
    "24 words, numbered as lncli prints them": numbered.join("   "),
    "24 words in JSON": JSON.stringify(seedWords.split(" ")),
    "24 words with commas": seedWords.replaceAll(" ", ","),
    "24 words, in capitals": seedWords.toUpperCase(),
    "24 words after another's prefix": `file:${seedWords}`,
    "12 words": seedWords.split(" ").slice(0, 12).join(" "),
    "a backup key": hex64,
    "a backup key in capitals": hex64.toUpperCase(),
    "a key with 0x": `0x${hex64}`,
    "a key in place of a path": `file:${hex64}`,
    "a key in place of a URL's path": `file:///${hex64}`,
    "a key in a query": `s3://b?endpoint=${hex64}`,
    "a macaroon in hex": `0201036c6e6402f801030a10${"ab".repeat(100)}`,
    "a macaroon in hex, cut short": "0201036c6e6402f80103",
    "a macaroon in base64": "AgEDbG5kAvgBAwoQ",
    "an lndconnect URI": "lndconnect://h:10009?cert=AA&macaroon=BB",
    "an lndconnect URI in capitals": "LNDCONNECT://h",
    "an extended private key": `xprv9s21ZrQH143K${"A".repeat(96)}`,
    "a testnet's extended private key": `tprv8ZgxMBicQKsP${"A".repeat(95)}`,
  };
  for (const [name, text] of Object.entries(secrets)) {
    it(name, () => assert.equal(mayBeSecret(text), true));
  }
});

describe("what is no secret", () => {
  const others: readonly string[] = [
    "",
    "alice",
    "s3://my-bucket/lightning?region=eu-central-1&endpoint=https://minio.example:9000",
    "file:///mnt/usb/scb",
    "file:/home/bitcoin/.lnd/data/chain/bitcoin/mainnet/channel.backup",
    `02${hex64}`,
    `03${hex64}`.toUpperCase(),
    // The volumes of containers are called so.
    `/var/lib/docker/volumes/${hex64}/_data`,
    `file:///var/lib/docker/volumes/${hex64}/_data`,
    `versions/00000000000000000041-01JD0000000000000000000000.backup`,
    "quarantine/01JD0000000000000000000000.backup",
    "2026-11-20T12:00+01:00",
    "da39a3ee5e6b4b0d3255bfef95601890afd80709",
    "/home/a person/with spaces in the names of their folders/backup",
    "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
  ];
  for (const text of others) it(text, () => assert.equal(mayBeSecret(text), false));

  it("is told quickly, however long", () => {
    const begunMs = performance.now();
    for (const part of ["a", "abc ", "abc1", "ab ", "abcdefgh", "0", "  ", "1.a"]) {
      mayBeSecret(part.repeat(200_000));
    }
    assert.ok(performance.now() - begunMs < 5000);
  });
});
