import assert from "node:assert/strict";
import { once } from "node:events";
import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { parse } from "yaml";
import { z } from "zod";
import { settingNames, settingTable } from "../../src/app/settings/table.ts";
import { loadSettings, settingsOfConfig } from "../../src/app/settings.ts";
import { configText } from "../../src/commands/init/config-text.ts";
import { initSettings } from "../../src/commands/init/init-settings.ts";
import { bakeMacaroonCommandTo, lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { mirrorPolicy } from "../../src/store/s3-policy.ts";
import { fakePubkey, tlsFile } from "../node/fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "../node/fake-node.ts";
import { SmallS3 } from "../peers/small-s3.ts";
import { cliPath, runCli } from "../support/cli.ts";
import { makeMacaroon } from "../support/make-macaroon.ts";
import { packedBytes } from "../support/mirror-fixture.ts";
import { type Answer, answerAtTerminal } from "../support/pty.ts";

const down = "\u001b[B";
const ctrlC = "\u0003";
const least = lndCalls.map((call) => `uri:/lnrpc.Lightning/${call}`);
const credentials = {
  AWS_ACCESS_KEY_ID: "x",
  AWS_SECRET_ACCESS_KEY: "y",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
};

const initJson = z.object({
  file: z.string(),
  secretFiles: z.array(z.string()),
  bake: z.string().nullable(),
  rights: z.array(
    z.object({
      store: z.string(),
      advice: z.array(z.string()),
      policy: z.object({ title: z.string(), text: z.string() }).nullable(),
    }),
  ),
  next: z.array(z.string()),
  service: z.array(z.string()),
  doctor: z.object({ ok: z.boolean(), node: z.string().nullable() }),
});

describe("init", () => {
  let lnd: FakeSetup;
  let s3: { readonly endpoint: string; close(): void };
  let home: string;
  let config: string;
  before(async () => {
    lnd = await fakeSetup();
    lnd.lnd.macaroon = makeMacaroon({ permissions: least });
    s3 = await smallS3();
  });
  after(async () => {
    s3.close();
    await lnd[Symbol.asyncDispose]();
  });
  /** A home folder in which an lnd has run, whose macaroon is baked. */
  beforeEach(async (t) => {
    home = await mkdtemp(join(tmpdir(), "scb-init-"));
    config = join(home, "scb-mirror.yaml");
    const chain = join(home, ".lnd/data/chain/bitcoin/regtest");
    await mkdir(chain, { recursive: true });
    await copyFile(tlsFile("fake-lnd.cert.pem"), join(home, ".lnd/tls.cert"));
    await writeFile(join(chain, "channel.backup"), packedBytes());
    await writeFile(join(home, "scb-mirror.macaroon"), lnd.lnd.macaroon);
    assert.ok("after" in t);
    t.after(() => rm(home, { recursive: true, force: true }));
  });

  const environment = () => ({
    PATH: process.env["PATH"],
    HOME: home,
    TERM: "xterm",
    ...credentials,
  });
  const store = (): string => pathToFileURL(join(home, "store")).href;
  const byFlags = (...more: readonly string[]): readonly string[] => [
    ...["init", "--yes", "-o", config, "--network", "regtest", "--rpcserver", lnd.lnd.address],
    ...["--macaroonpath", join(home, "scb-mirror.macaroon"), ...more],
  ];
  const atTerminal = (answers: readonly Answer[], code = 0, ...args: readonly string[]) =>
    answerAtTerminal([process.execPath, cliPath, "init", "-o", config, ...args], answers, {
      timeoutMs: 60_000,
      env: environment(),
      code,
    });
  const yaml = async (): Promise<unknown> =>
    parse(await readFile(config, "utf8"), { schema: "failsafe" });
  const answers = (): readonly Answer[] => [
    { prompt: /Which node is to be mirrored\?[\s\S]*lnd on this machine/, text: "" },
    { prompt: /lnd's gRPC address/, text: lnd.lnd.address },
    { prompt: /There is a macaroon at [\s\S]*The macaroon/, text: "" },
    { prompt: /Watch this file as well/, keys: "n" },
    { prompt: /Where are the backups to be kept/, text: "" },
    { prompt: /The bucket, and a folder in it/, text: "bucket/lightning" },
    { prompt: /The service's endpoint/, text: s3.endpoint },
    { prompt: /The region/, text: "" },
    { prompt: /The AWS profile/, text: "" },
    { prompt: /another store as well/, keys: "y" },
    { prompt: /Where are the backups to be kept/, text: down.repeat(4) },
    { prompt: /The folder\. Two levels/, text: join(home, "store") },
    { prompt: /another store as well/, keys: "n" },
    { prompt: /When is the node safe/, text: down },
    { prompt: /A file with the backup key/, text: "" },
    { prompt: /Who is told/, text: "ntfys://ntfy.example/planted-topic" },
    { prompt: /The heartbeat's URL/, text: "" },
  ];

  it("asks at a terminal, tries what it was told, and writes what a mirror runs with", async () => {
    const screen = await atTerminal(answers());
    const to = [`s3://bucket/lightning?endpoint=${s3.endpoint}`, store()];
    assert.deepEqual(await yaml(), {
      from: "lnd",
      rpcserver: lnd.lnd.address,
      network: "regtest",
      tlscertpath: join(home, ".lnd/tls.cert"),
      macaroonpath: join(home, "scb-mirror.macaroon"),
      to,
      require: "majority",
      "notify-file": join(home, "scb-mirror.notify"),
    });
    // The secret is in its own file, and was never on the screen.
    assert.equal(
      await readFile(join(home, "scb-mirror.notify"), "utf8"),
      "ntfys://ntfy.example/planted-topic\n",
    );
    for (const file of [config, join(home, "scb-mirror.notify")]) {
      assert.equal((await stat(file)).mode & 0o777, 0o600);
    }
    assert.ok(!screen.includes("planted"), screen);
    // The macaroon is right, so that nobody has to bake another.
    assert.ok(!screen.includes("lncli bakemacaroon"));
    const policy = JSON.stringify(
      mirrorPolicy({ bucket: "bucket", prefix: "lightning" }, fakePubkey),
      null,
      2,
    );
    assert.ok(screen.replaceAll("\r\n", "\n").includes(policy), screen);
    assert.ok(screen.includes(`scb-mirror run --config ${config}`));

    const run = await runCli(["run", "--once", "--config", config, "--log-level", "silent"], {
      env: environment(),
    });
    assert.equal(run.code, 0, run.stderr);
    assert.match(run.stdout, /stopped: everything known is saved/);
    assert.ok((await readdir(join(home, "store", fakePubkey))).includes("latest.json"));
  });

  it("leaves nothing behind if it is ended with Ctrl-C, at any question", async () => {
    const before = await readdir(home);
    for (const stopAt of [0, 1, 5, 10, 15, 16]) {
      const given = answers();
      const { prompt } = given[stopAt] ?? { prompt: /never/ };
      const screen = await atTerminal([...given.slice(0, stopAt), { prompt, keys: ctrlC }], 1);
      assert.match(
        screen,
        /scb-mirror: init was ended before its last question: nothing was written/,
      );
      assert.deepEqual(await readdir(home), before);
    }
  });

  it("leaves nothing behind if it is ended while it tries the store", async () => {
    const silent = createServer(() => undefined);
    await once(silent.listen(0, "127.0.0.1"), "listening");
    try {
      const { port } = silent.address() as AddressInfo;
      const to = ["--to", `s3://bucket?endpoint=http://127.0.0.1:${port}`];
      const before = await readdir(home);
      const answers = [{ prompt: /(?:looking at|checking) store-\w+, \d+ s/, keys: ctrlC }];
      await atTerminal(answers, 1, "--yes", ...byFlags(...to).slice(4));
      assert.deepEqual(await readdir(home), before);
    } finally {
      silent.closeAllConnections();
      silent.close();
    }
  });

  it("asks only for what no flag answers, and says what is wrong with an answer", async () => {
    const screen = await atTerminal(
      [
        { prompt: /Which node is to be mirrored/, text: down + down + down },
        { prompt: /The channel\.backup/, text: "" },
        { prompt: /A name for the node's folder/, text: "../up" },
        { prompt: /can(?:'t|not) be a folder/, keys: "\u007f".repeat(5) },
        { prompt: /A name for the node's folder/, text: "alice" },
        { prompt: /A file with the backup key/, text: "/nonexistent/key" },
        { prompt: /there is no such file/, keys: "\u007f".repeat(16) },
        { prompt: /A file with the backup key/, text: "" },
        { prompt: /The heartbeat's URL/, text: "" },
      ],
      0,
      ...["--to", store(), "--notify-file", await secretFile("ntfys://ntfy.example/x")],
    );
    assert.ok(!screen.includes("to be kept") && !screen.includes("Who is told"), screen);
    assert.deepEqual(await yaml(), {
      from: `file:${join(home, ".lnd/data/chain/bitcoin/regtest/channel.backup")}`,
      node: "alice",
      to: store(),
      "notify-file": join(home, "secret"),
    });
  });

  const secretFile = async (text: string): Promise<string> => {
    const path = join(home, "secret");
    await writeFile(path, `${text}\n`, { mode: 0o600 });
    return path;
  };

  it("needs no terminal with --yes, and tells programs all that it tells people", async () => {
    const result = await runCli(byFlags("--to", store(), "--json"), { env: environment() });
    assert.equal(result.code, 0, result.stderr);
    const told = initJson.parse(result.json());
    assert.equal(told.file, config);
    assert.equal(told.bake, null);
    assert.equal(told.doctor.node, fakePubkey);
    assert.deepEqual(told.next, [
      `scb-mirror run --config ${config}`,
      `scb-mirror status --config ${config}`,
    ]);
    assert.deepEqual(told.service, [
      `ln -sfn ${join(home, ".lnd/tls.cert")} /etc/scb-mirror/tls.cert`,
      `install -m 600 ${join(home, "scb-mirror.macaroon")} /etc/scb-mirror/scb.macaroon`,
      "cat >> /etc/scb-mirror/environment <<'END'",
      `SCB_MIRROR_TO=${store()}`,
      `SCB_MIRROR_RPCSERVER=${lnd.lnd.address}`,
      "SCB_MIRROR_NETWORK=regtest",
      "END",
      "systemctl enable --now scb-mirror",
    ]);
  });

  it("takes lnd from an lndconnect URI in a file, which is named and not copied", async () => {
    const certificate = await readFile(tlsFile("fake-lnd.cert.pem"), "latin1");
    const der = certificate.replaceAll(/^[^-]*\n|-----[A-Z ]+-----|\s/g, "");
    const macaroon = Buffer.from(lnd.lnd.macaroon).toString("base64url");
    const uri = await secretFile(
      `lndconnect://${lnd.lnd.address}?cert=${Buffer.from(der, "base64").toString("base64url")}&macaroon=${macaroon}`,
    );
    const args = ["init", "--yes", "-o", config, "--lndconnect-file", uri, "--to", store()];
    const result = await runCli(args, { env: environment() });
    assert.equal(result.code, 0, result.stdout + result.stderr);
    assert.deepEqual(await yaml(), { from: "lnd", to: store(), "lndconnect-file": uri });
    assert.ok(!(result.stdout + (await readFile(config, "utf8"))).includes(macaroon.slice(-20)));
    const run = await runCli(["run", "--once", "--config", config], { env: environment() });
    assert.equal(run.code, 0, run.stderr);
  });

  it("writes also what doctor finds wrong, says what to bake, and ends with 3", async () => {
    const admin = join(home, ".lnd/data/chain/bitcoin/regtest/admin.macaroon");
    await writeFile(admin, makeMacaroon({ permissions: ["offchain:write"] }));
    const args = ["init", "--yes", "-o", config, "--network", "regtest", "--to", store()];
    const result = await runCli([...args, "--rpcserver", lnd.lnd.address], { env: environment() });
    assert.equal(result.code, 3, result.stderr);
    assert.match(result.stdout, /^PROBLEM +macaroon-needed/m);
    // lnd's own macaroon is nothing to write over.
    const bake = bakeMacaroonCommandTo(join(home, "scb-mirror.macaroon"), "regtest");
    assert.match(
      bake,
      /^lncli --network regtest bakemacaroon --save_to \S+ uri:\/lnrpc\.Lightning\/GetInfo /,
    );
    assert.ok(result.stdout.includes(`\n${bake}\n`), result.stdout);
    assert.ok(result.stdout.includes(`  scb-mirror doctor --config ${config}\n`));
    assert.deepEqual(((await yaml()) as { macaroonpath: string }).macaroonpath, admin);
  });

  const wrong: readonly (readonly [string, () => readonly string[], number, RegExp])[] = [
    [
      "no terminal and no --yes",
      () => ["init"],
      2,
      /there is none: give the answers as flags, as in scb-mirror init --yes --from lnd/,
    ],
    [
      "no terminal, though all flags are there",
      () => byFlags("--to", store()).filter((word) => word !== "--yes"),
      2,
      /init --yes/,
    ],
    ["no store", () => byFlags(), 2, /no store is named: give --to s3:/],
    [
      "a file without a node's name",
      () => ["init", "--yes", "--from", "file:/x", "--to", store()],
      2,
      /--node/,
    ],
    ["a store twice", () => byFlags("--to", store(), "--to", store()), 2, /--to names .* twice/],
    ["a store of no kind", () => byFlags("--to", "ftp://x"), 2, /s3:\/\/BUCKET/],
    [
      "a secret where none belongs",
      () => byFlags("--to", store(), "--node", "ab".repeat(32)),
      2,
      /looks like a secret/,
    ],
    [
      "a secret's file that is not there",
      () => byFlags("--to", store(), "--notify-file", "/nonexistent"),
      2,
      /notify-file in .*: cannot read \/nonexistent/,
    ],
    [
      "no such folder",
      () =>
        byFlags("--to", store(), "-o", "/nonexistent/x.yaml")
          .filter((word, at) => word !== "-o" || at > 3)
          .filter((word) => word !== config),
      1,
      /\/nonexistent doesn't exist/,
    ],
  ];
  for (const [name, args, code, message] of wrong) {
    it(`${name}: writes nothing and says what to do`, async () => {
      const before = await readdir(home);
      const result = await runCli(args(), { env: environment(), cwd: home });
      assert.equal(result.code, code, result.stderr);
      assert.match(result.stderr, message);
      assert.equal(result.stderr.trimEnd().split("\n").length, 1);
      assert.deepEqual(await readdir(home), before);
    });
  }

  it("writes over no file without --force, nor over that of a secret", async () => {
    const secret = join(home, "scb-mirror.notify");
    for (const path of [config, secret]) {
      await writeFile(path, "precious");
      const args = byFlags("--to", store(), "--notify", "ntfys://ntfy.example/x");
      const refused = await runCli(args, { env: environment() });
      assert.equal(refused.code, 4, refused.stderr);
      assert.match(refused.stderr, /already exists and was left as it is/);
      assert.equal(await readFile(path, "utf8"), "precious");
      assert.deepEqual((await readdir(home)).filter((file) => /yaml|notify/.test(file)).length, 1);
      assert.equal((await runCli([...args, "--force"], { env: environment() })).code, 0);
      assert.notEqual(await readFile(path, "utf8"), "precious");
      await rm(config);
      await rm(secret);
    }
  });

  it("isn't led by the environment, which is what it makes a file for", async () => {
    const env = { ...environment(), SCB_MIRROR_CONFIG: config, SCB_MIRROR_TO: "s3://elsewhere" };
    const result = await runCli(byFlags("--to", store()), { env });
    assert.equal(result.code, 0, result.stderr);
    assert.equal(z.object({ to: z.string() }).parse(await yaml()).to, store());
  });
});

describe("the file that init writes", () => {
  it("explains each setting of a mirror, and without its # each default means what it says", () => {
    const text = configText(new Map([["to", "s3://bucket"]]), initSettings, "x.yaml");
    const bare = settingsOfConfig(text, "x.yaml", () => "");
    assert.deepEqual(bare, loadSettings({ to: "s3://bucket" }, {}));
    const defaults = text.replaceAll(/^#([a-z-]+: (?!.*[A-Z]).+)$/gm, "$1");
    assert.notEqual(defaults, text);
    assert.deepEqual(
      settingsOfConfig(defaults, "x.yaml", () => ""),
      bare,
    );
    for (const name of settingNames) {
      const isThere = new RegExp(`^#?${name}(?:-file)?: `, "m").test(text) || name === "to";
      assert.equal(isThere, initSettings.includes(name), name);
    }
    assert.ok(text.split("\n").every((line) => !line.startsWith("# ") || line.length <= 100));
  });

  it("keeps each value as it was given", () => {
    for (const value of ["0123", "true", "null", "a b", "#x", "'q'", "x: y", "- z", "é", '"']) {
      const text = configText(new Map([["lnddir", value]]), initSettings, "x.yaml");
      assert.equal(settingsOfConfig(text, "x.yaml", () => "").lnddir, value);
    }
    assert.equal(settingTable.lnddir.placeholder, "path");
  });
});

/** A bucket that lives as long as the test. */
async function smallS3() {
  const bucket = new SmallS3();
  const server = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(Buffer.from(chunk));
    bucket.answer({ method, url, headers, body: Buffer.concat(body) }, response);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
