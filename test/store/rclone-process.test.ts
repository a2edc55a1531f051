import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { unprintable } from "../../src/runtime/foreign-text.ts";
import { rcloneEnvironment } from "../../src/store/rclone-environment.ts";
import { RcloneTrouble, rcloneText, translateRcloneError } from "../../src/store/rclone-errors.ts";
import { RcloneStore } from "../../src/store/rclone-store.ts";
import { encode, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { type FakeFault, fakeRclone } from "../support/fake-rclone.ts";

describe("RcloneStore on an rclone that", () => {
  const parent = mkdtempSync(join(tmpdir(), "scb-fake-rclone-"));
  after(() => rmSync(parent, { recursive: true }));

  async function withFake(fault: FakeFault, use: (store: RcloneStore) => Promise<void>) {
    const environment = await fakeRclone(parent, fault);
    const store = new RcloneStore({ remote: "fake", path: "a", environment });
    try {
      await use(store);
    } finally {
      await store.close();
    }
  }

  it("does as it should keeps an object with its metadata", () =>
    withFake("none", async (store) => {
      const { etag } = await store.put("a/b", encode("bytes"), { metadata: { c: "d" } });
      const read = await store.get("a/b");
      assert.equal(read?.etag, etag);
      assert.deepEqual(read?.metadata, { c: "d" });
    }));

  it("is too old is refused, with the version that it has", () =>
    withFake("old", async (store) => {
      const { message } = await rejectsWith("usage", store.get("a"));
      assert.match(message, /1\.60 or newer is needed.*v1\.53\.1/);
    }));

  it("isn't there is told, with what to do", async () => {
    const environment = { PATH: parent };
    const store = new RcloneStore({ remote: "fake", path: "a", environment });
    const { message } = await rejectsWith("usage", store.get("a"));
    // Without sh there is no rclone either.
    assert.match(message, /rclone.*install|can't start rclone/);
    await store.close();
    await store.close();
  });

  it("gives back other bytes than it was sent has saved nothing", () =>
    withFake("damages", async (store) => {
      const { message } = await rejectsWith("store-unknown", store.put("a", encode("bytes")));
      assert.match(message, /what comes back are other bytes/);
    }));

  it("acknowledges what it doesn't do has saved nothing", () =>
    withFake("drops", async (store) => {
      const { message } = await rejectsWith("store-unknown", store.put("a", encode("bytes")));
      assert.match(message, /what comes back is nothing/);
    }));
});

describe("what rclone says", () => {
  const cases: readonly (readonly [said: string, code: string, told: RegExp])[] = [
    ["didn't find section in config file", "usage", /no remote "nas".*rclone listremotes/],
    [
      "Failed to load config file: unable to decrypt configuration and not allowed to ask for password - set RCLONE_CONFIG_PASS to your configuration password",
      "usage",
      /set RCLONE_CONFIG_PASS/,
    ],
    [
      'couldn\'t list files: Get "https://www.googleapis.com/drive/v3/files": couldn\'t fetch token: invalid_grant: maybe token expired? - refresh with "rclone config reconnect nas:"',
      "store-denied",
      /rclone config reconnect nas:/,
    ],
    ["expired_access_token/...", "store-denied", /config reconnect nas:/],
    [
      "NewFs: couldn't connect SSH: ssh: handshake failed: ssh: unable to authenticate, attempted methods [none publickey], no supported methods remain",
      "store-denied",
      /refuses this login/,
    ],
    ["ssh: handshake failed: knownhosts: key mismatch", "store-busy", /host key/],
    [
      "NewFs: couldn't connect SSH: dial tcp 127.0.0.1:22: connect: connection refused",
      "store-busy",
      /can't be reached/,
    ],
    [
      'Propfind "https://x/": x509: certificate signed by unknown authority',
      "store-busy",
      /RCLONE_CA_CERT/,
    ],
    ["LoadCustomCABundleError: unable to load custom CA bundle", "usage", /unset AWS_CA_BUNDLE/],
    ["401 Unauthorized", "store-denied", /credentials/],
    ['sftp: "Permission denied" (SSH_FX_PERMISSION_DENIED)', "store-denied", /credentials/],
    ["Insufficient Storage: 507", "store-busy", /full/],
    ["path/insufficient_space/..", "store-busy", /full/],
    ["too_many_requests/.. 429", "store-busy", /come back later/],
    ["is a file not a directory", "usage", /names a file/],
    ["connection lost", "store-unknown", /rclone failed \(rclone: connection lost\)/],
  ];
  for (const [said, code, told] of cases) {
    it(`${code}: ${said.slice(0, 60)}`, () => {
      const error = translateRcloneError(new RcloneTrouble(said, 500), {
        doing: "read a",
        remote: "nas",
      });
      assert.ok(error instanceof Error && "code" in error);
      assert.equal(error.code, code);
      assert.match(error.message, told);
    });
  }

  it("is no promise that nothing landed once something may have", () => {
    const trouble = new RcloneTrouble("dial tcp: i/o timeout", 500);
    const attempt = { doing: "write a", remote: "nas", mayHaveLanded: true };
    const error = translateRcloneError(trouble, attempt);
    assert.ok(error instanceof Error && "code" in error);
    assert.equal(error.code, "store-unknown");
  });

  const secret = "hunter2hunter2";
  for (const text of [
    `Get "https://alice:${secret}@host/dav": EOF`,
    `Get "https://host/file?sig=${secret}&x=1": EOF`,
    `Authorization: Bearer ${secret}`,
    `{"access_token":"${secret}","expiry":"…"}`,
    `refresh_token=${secret}&client_id=x`,
    `pass = ${secret}`,
    `the password is ${secret}`,
  ]) {
    it(`holds no secret: ${text.replace(secret, "…")}`, () => {
      const shown = rcloneText(text, [secret]);
      assert.ok(!shown.includes(secret), shown);
    });
  }

  it("keeps one line and a bound", () => {
    const shown = rcloneText(`a\n\u001b[31mb${"x".repeat(10_000)}`, []);
    assert.ok(!unprintable.test(shown) && shown.length <= 300);
  });
});

describe("what rclone is given of the environment", () => {
  it("is all but what is ours alone or would steer it", () => {
    const kept = {
      PATH: "/bin",
      HOME: "/h",
      RCLONE_CONFIG: "/c",
      RCLONE_CONFIG_PASS: "x",
      RCLONE_CONFIG_NAS_TYPE: "sftp",
      SSH_AUTH_SOCK: "/s",
      HTTPS_PROXY: "http://p",
      AWS_CA_BUNDLE: "/ca",
    };
    const dropped = {
      SCB_MIRROR_LNDCONNECT: "lndconnect://…",
      NODE_OPTIONS: "--inspect",
      RCLONE_RC_ADDR: ":5572",
      RCLONE_RC_NO_AUTH: "true",
      RCLONE_LOG_FILE: "/log",
      RCLONE_DRY_RUN: "true",
      RCLONE_EXCLUDE: "*",
      RCLONE_MAX_AGE: "1d",
    };
    assert.deepEqual(rcloneEnvironment({ ...kept, ...dropped }), kept);
  });
});
