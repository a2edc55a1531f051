import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readFileSync } from "node:fs";
import { appendFile, readFile, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, it } from "node:test";
import { xsalsa20poly1305 } from "@noble/ciphers/salsa.js";
import { RcloneStore, type RcloneStoreOptions } from "../../src/store/rclone-store.ts";
import { codeOf, encode, readText, rejectsWith } from "../../src/testing/object-store-helpers.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { type RcloneRemote, startSftpRemote, startWebdavRemote } from "../peers/rclone.ts";
import { waitFor } from "../peers/wait-for.ts";

peerSuite("RcloneStore in trouble", ["rclone"], () => {
  let nas: RcloneRemote;
  let dav: RcloneRemote;
  before(async () => {
    [nas, dav] = await Promise.all([startSftpRemote(), startWebdavRemote()]);
  });
  after(() => Promise.all([nas[Symbol.asyncDispose](), dav[Symbol.asyncDispose]()]));

  async function withStore(
    options: Partial<RcloneStoreOptions>,
    use: (store: RcloneStore) => Promise<void>,
  ): Promise<void> {
    const path = `${nas.folder}/${randomBytes(6).toString("hex")}`;
    const store = new RcloneStore({
      remote: "nas",
      path,
      environment: nas.environment,
      ...options,
    });
    try {
      await use(store);
    } finally {
      await store.close();
    }
    assert.deepEqual(rclonesOf(process.pid), [], "an rclone is left");
  }

  /** The remote's section, with some lines replaced, as a remote of another name. */
  async function otherRemote(
    of: RcloneRemote,
    name: string,
    change: (section: string) => string,
  ): Promise<void> {
    const section = (await readFile(of.configPath, "utf8")).split("\n\n")[0] ?? "";
    const lines = section.replace(/^\[.*\]/, `[${name}]`);
    await appendFile(of.configPath, `\n\n${change(lines)}\n`);
  }

  it("is used through one rclone, which is gone when it is closed", () =>
    withStore({}, async (store) => {
      await Promise.all(Array.from({ length: 8 }, (_, at) => store.put(`a/${at}`, encode("x"))));
      assert.equal(rclonesOf(process.pid).length, 1);
    }));

  it("is refused by name: a remote that rclone doesn't know", () =>
    withStore({ remote: "nowhere" }, async (store) => {
      const { message } = await rejectsWith("usage", store.get("a"));
      assert.match(message, /rclone knows no remote "nowhere"/);
    }));

  it("is away and back: told at once, and found again by the same store", () =>
    withStore({}, async (store) => {
      await store.put("a", encode("before"));
      await nas.kill();
      const code = await codeOf(store.put("a", encode("meanwhile")));
      assert.ok(code === "store-busy" || code === "store-unknown", String(code));
      const { message } = await rejectsWith("store-busy", store.get("a"));
      assert.match(message, /can't be reached/);
      await nas.start();
      assert.equal(await readText(store, "a"), "before");
      await store.put("a", encode("after"));
      assert.equal(await readText(store, "a"), "after");
    }));

  it("hangs: let go within the bound, and used again when it goes on", () =>
    withStore({ requestTimeoutMs: 1_000 }, async (store) => {
      await store.put("a", encode("before"));
      nas.freeze();
      try {
        const started = performance.now();
        const codes = await Promise.all([
          codeOf(store.get("a")),
          codeOf(store.put("b", encode("x"))),
        ]);
        const tookMs = performance.now() - started;
        for (const code of codes) {
          assert.ok(code === "store-busy" || code === "store-unknown", String(code));
        }
        assert.ok(tookMs < 9_000, `${tookMs} ms`);
      } finally {
        nas.resume();
      }
      await waitFor(
        "the server",
        async () => (await codeOf(store.get("a"))) === null || undefined,
        {
          timeoutMs: 20_000,
        },
      );
      assert.equal(await readText(store, "a"), "before");
    }));

  it("hangs, and its caller stops: aborted at once", () =>
    withStore({}, async (store) => {
      await store.put("a", encode("before"));
      nas.freeze();
      try {
        const aborting = new AbortController();
        const reading = rejectsWith("aborted", store.get("a", { signal: aborting.signal }));
        aborting.abort();
        await reading;
      } finally {
        nas.resume();
      }
    }));

  it("loses its rclone in the middle of a put: not known, and the next call has a new one", () =>
    withStore({}, async (store) => {
      await store.put("a", encode("before"));
      const [rclone = 0] = rclonesOf(process.pid);
      nas.freeze();
      try {
        const putting = rejectsWith("store-unknown", store.put("a", encode("meanwhile")));
        process.kill(rclone, "SIGKILL");
        await putting;
      } finally {
        nas.resume();
      }
      assert.equal(await readText(store, "a"), "before");
      assert.notDeepEqual(rclonesOf(process.pid), [rclone]);
    }));

  it("refuses the key of another: denied", async () => {
    await otherRemote(nas, "stranger", (lines) => lines.replace("user-key", "host-key"));
    await withStore({ remote: "stranger" }, async (store) => {
      const { message } = await rejectsWith("store-denied", store.get("a"));
      assert.match(message, /refuses this login/);
    });
  });

  it("shows another host key than the one that is known: not trusted", async () => {
    const wrong = join(dirname(nas.configPath), "wrong-hosts");
    const userKey = await readFile(join(dirname(nas.configPath), "user-key.pub"), "utf8");
    const known = await readFile(join(dirname(nas.configPath), "known-hosts"), "utf8");
    await writeFile(wrong, `${known.split(" ")[0]} ${userKey}`);
    await otherRemote(nas, "other-host", (lines) => lines.replace("known-hosts", "wrong-hosts"));
    await withStore({ remote: "other-host" }, async (store) => {
      const { message } = await rejectsWith("store-busy", store.get("a"));
      assert.match(message, /host key/);
    });
  });

  it("refuses a password: denied, and the password is nowhere", async () => {
    await otherRemote(dav, "mallory", (lines) => lines.replace("user = alice", "user = mallory"));
    const { environment } = dav;
    await withStore({ remote: "mallory", path: "x", environment }, async (store) => {
      const error = await rejectsWith("store-denied", store.get("a"));
      assert.ok(!JSON.stringify([error.message, error.cause]).includes("s3same-street"));
    });
  });

  it("has an encrypted configuration: told without its password, and used with it", async () => {
    const plain = await readFile(nas.configPath);
    const configPath = join(dirname(nas.configPath), "encrypted.conf");
    await writeFile(configPath, encryptedConfig(plain, "open sesame"));
    const environment = { ...nas.environment, RCLONE_CONFIG: configPath };
    await withStore({ environment }, async (store) => {
      const { message } = await rejectsWith("usage", store.get("a"));
      assert.match(message, /RCLONE_CONFIG_PASS/);
    });
    const wrong = { ...environment, RCLONE_CONFIG_PASS: "open barley" };
    await withStore({ environment: wrong }, async (store) => {
      const { message } = await rejectsWith("usage", store.get("a"));
      assert.match(message, /RCLONE_CONFIG_PASS/);
      assert.ok(!message.includes("barley"));
    });
    await withStore(
      { environment: { ...environment, RCLONE_CONFIG_PASS: "open sesame" } },
      async (store) => {
        await store.put("a", encode("x"));
        assert.equal(await readText(store, "a"), "x");
      },
    );
  });

  it("loses the program that used it, by SIGKILL: no rclone is left", async () => {
    const script = `
      import { RcloneStore } from ${JSON.stringify(new URL("../../src/store/rclone-store.ts", import.meta.url).href)};
      const store = new RcloneStore({ remote: "nas", path: ${JSON.stringify(nas.folder)} });
      await store.get("a");
      console.log("ready");
      setInterval(() => {}, 1000);`;
    const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", script], {
      env: { ...nas.environment },
      stdio: ["ignore", "pipe", "inherit"],
    });
    assert.ok(child.stdout !== null && child.pid !== undefined);
    await once(createInterface({ input: child.stdout }), "line");
    const [rclone] = rclonesOf(child.pid);
    assert.ok(rclone !== undefined);
    child.kill("SIGKILL");
    await waitFor("its rclone's end", async () => (isRunning(rclone) ? undefined : true), {
      timeoutMs: 10_000,
      everyMs: 20,
    });
  });
});

/** The processes below `pid` that are an rclone, but for the servers that the tests started. */
function rclonesOf(pid: number): number[] {
  return readdirSync("/proc")
    .map(Number)
    .filter((id) => id > 0 && commandOf(id).includes("\0rcd\0") && ancestorsOf(id).includes(pid))
    .filter((id) => !commandOf(id).startsWith("sh\0"));
}

function ancestorsOf(pid: number): number[] {
  const parent = Number(/^PPid:\t(\d+)/m.exec(procFile(pid, "status"))?.[1] ?? 0);
  return parent === 0 ? [] : [parent, ...ancestorsOf(parent)];
}

function commandOf(pid: number): string {
  return procFile(pid, "cmdline");
}

/** A process that nobody has waited for yet has ended all the same. */
function isRunning(pid: number): boolean {
  const state = /^State:\t(\w)/m.exec(procFile(pid, "status"))?.[1];
  return state !== undefined && state !== "Z";
}

function procFile(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, "utf8");
  } catch {
    return "";
  }
}

/** As rclone encrypts its configuration: secretbox, the key from the password, the nonce before it. */
function encryptedConfig(plain: Uint8Array, password: string): string {
  const key = createHash("sha256").update(`[${password}][rclone-config]`).digest();
  const nonce = randomBytes(24);
  const sealed = xsalsa20poly1305(key, nonce).encrypt(plain);
  return `# Encrypted rclone configuration File\n\nRCLONE_ENCRYPT_V0:\n${Buffer.concat([nonce, sealed]).toString("base64")}\n`;
}
