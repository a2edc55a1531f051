import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { Code, ConnectError } from "@connectrpc/connect";
import { deriveBackupKey } from "../../src/keychain/key-ring.ts";
import { LndKeyRing } from "../../src/node/lnd/lnd-key-ring.ts";
import { publicKeyOf } from "../wire/arbitraries.ts";
import { lndError } from "./fake-lnd.ts";
import { fakeSetup } from "./fake-node.ts";

const key = publicKeyOf(1017);

describe("the key ring of a running lnd", () => {
  it("gives the key that lnd derives: at 7/0, the one that backups are sealed with", async () => {
    await using setup = await fakeSetup();
    setup.lnd.keys.set("7/0", key);
    setup.lnd.keys.set("6/0", publicKeyOf(6));
    const keyRing = new LndKeyRing(setup.node());
    assert.deepEqual(await keyRing.deriveKey({ family: 6, index: 0 }), publicKeyOf(6));
    const backupKey = createHash("sha256").update(key).digest("hex");
    assert.equal(Buffer.from(await deriveBackupKey(keyRing)).toString("hex"), backupKey);
  });

  it("says which permission is missing, and how to bake one", async () => {
    await using setup = await fakeSetup();
    setup.lnd.failures.set("DeriveKey", lndError("permission denied"));
    await assert.rejects(deriveBackupKey(new LndKeyRing(setup.node())), {
      code: "node-denied",
      message:
        /does not allow DeriveKey: .*bakemacaroon .*GetInfo uri:\/walletrpc\.WalletKit\/DeriveKey`/,
    });
  });

  it("says where lnd has no wallet kit", async () => {
    await using setup = await fakeSetup();
    setup.lnd.failures.set("DeriveKey", new ConnectError("unknown service", Code.Unimplemented));
    await assert.rejects(deriveBackupKey(new LndKeyRing(setup.node())), {
      code: "node-unavailable",
      message: /built without walletrpc: give the key with --key-file/,
    });
  });

  for (const [name, bytes] of [
    ["nothing", new Uint8Array()],
    ["a point off the curve", Uint8Array.of(2, ...new Uint8Array(31), 5)],
  ] as const) {
    it(`takes no key from ${name}, and does not quote it`, async () => {
      await using setup = await fakeSetup();
      setup.lnd.keys.set("7/0", bytes);
      const error = await deriveBackupKey(new LndKeyRing(setup.node())).catch((e: unknown) => e);
      assert.match(String(error), /aren.t a public key for family 7, index 0/);
      const hex = Buffer.from(bytes).toString("hex");
      if (hex !== "") assert.ok(!inspect(error, { depth: 9 }).includes(hex));
    });
  }
});
