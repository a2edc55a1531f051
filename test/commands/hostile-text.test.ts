import assert from "node:assert/strict";
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { fakeMacaroon, fakePubkey, lndError, point, tlsFile } from "../node/fake-lnd.ts";
import { type FakeSetup, fakeSetup } from "../node/fake-node.ts";
import { HostileS3 } from "../peers/hostile-s3.ts";
import { type CliResult, runCli } from "../support/cli.ts";

/** Clears the screen, hides what follows, forges a line, and turns the direction of the rest. */
const hostile =
  "x\u001b[2J\u001b[8m\u009b2J\u0007\r\nFORGED: covers every channel\u202e\u2028\u200b\u{e0041}end";
const id = "01M8MQKK4BH8VCEMS739XCXC43";
const node = "alice";

function assertHarmless({ stdout, stderr }: CliResult, where: string): void {
  for (const output of [stdout, stderr]) {
    assert.doesNotMatch(output.replaceAll("\n", ""), /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u, where);
    assert.doesNotMatch(output, /^\s*FORGED/m, where);
  }
}

describe("hostile text", () => {
  let folder: string;
  let key: string;
  let template: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-hostile-"));
    key = join(folder, "key");
    await writeFile(key, "5a".repeat(32), { mode: 0o600 });
    template = join(folder, "template");
    await mkdir(template);
    for (let run = 0; run < 2; run += 1) await save(template);
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const demo = () => ["--from", "demo", "--node", node, "--key-file", key];
  const save = async (store: string): Promise<void> => {
    const args = ["run", "--once", ...demo(), "--to", pathToFileURL(store).href];
    const { code, stderr } = await runCli(args);
    assert.equal(code, 0, stderr);
  };
  /** Every command that reads a store, in text and in JSON. */
  const walk = async (to: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<void> => {
    const backup = join(folder, "restored");
    const commands: readonly (readonly string[])[] = [
      ["status"],
      ["status", "--key-file", key],
      ["list"],
      ["verify"],
      ["doctor", "--timeout", "5s"],
      ["drill", "--key-file", key],
      ["accept", ...demo()],
      ["repair"],
      ["prune", "--keep-last", "1"],
      ["restore", "--force", "-o", backup],
      ["restore", "1", "--force", "-o", backup],
      ["inspect", "latest", "--key-file", key],
      ["diff", "1", "2", "--key-file", key],
      ["kit", "-o", "-"],
      ["kit", "--text", "-o", "-"],
      ["run", "--once", "--timeout", "2s", ...demo()],
    ];
    const [, url = ""] = to;
    const fresh = ["--to", pathToFileURL(await mkdtemp(join(folder, "copied-"))).href];
    const copies: readonly (readonly string[])[] = [
      ["copy", "--apply", "--from-store", url, ...fresh, ...to.slice(2)],
      ["copy", "--apply", "--from-store", pathToFileURL(template).href, ...to],
    ];
    for (const args of copies) assertHarmless(await runCli(args, { env }), args.join(" "));
    const runs = commands.flatMap((command) => [command, [...command, "--json"]]);
    const next = runs.values();
    // Two at a time: each is a process.
    await Promise.all(
      [0, 1].map(async () => {
        for (const args of next) {
          const all = [...args, ...to, "--log-level", "debug"];
          assertHarmless(await runCli(all, { env }), args.join(" "));
        }
      }),
    );
  };
  const copy = async (): Promise<string> => {
    const store = await mkdtemp(join(folder, "store-"));
    await cp(template, store, { recursive: true });
    return store;
  };
  const inStore = (store: string): readonly string[] => [
    ...["--to", pathToFileURL(store).href, "--node", node],
  ];
  const edit = async (
    path: string,
    change: (value: Record<string, unknown>) => object,
  ): Promise<void> => {
    const text = await readFile(path, "utf8");
    await writeFile(path, JSON.stringify(change(JSON.parse(text))));
  };

  it("in the pointer does nothing to any output", async () => {
    const store = await copy();
    await edit(join(store, node, "latest.json"), (pointer) => ({ ...pointer, writer: hostile }));
    await walk(inStore(store));
  });

  it("in the pointer's place does nothing to any output", async () => {
    const store = await copy();
    await writeFile(join(store, node, "latest.json"), `{"schema": 1, "${hostile}`);
    await walk(inStore(store));
  });

  it("in what is kept beside the versions does nothing to any output", async () => {
    const store = await copy();
    const at = (...names: readonly string[]): string => join(store, node, ...names);
    for (const name of ["quarantine", "restores", "drills"]) await mkdir(at(name));
    const when = new Date().toISOString();
    await writeFile(
      at("quarantine", `${id}.json`),
      JSON.stringify({
        ...{ schema: 1, operation: id, refusedAt: when, code: hostile, message: hostile },
        ...{ sizeBytes: 1, sha256: hostile, base: { sequence: 9, key: hostile, sha256: hostile } },
      }),
    );
    await writeFile(at("quarantine", `${id}.backup`), hostile);
    await writeFile(
      at("restores", `${id}.json`),
      JSON.stringify({ schema: 1, key: hostile, sequence: 1, to: hostile, by: hostile }),
    );
    await writeFile(
      at("drills", `${id}.json`),
      JSON.stringify({
        ...{ schema: 1, at: when, ok: false, verdict: "would-not-restore", problems: [hostile] },
        version: { key: hostile, sequence: 1 },
      }),
    );
    await writeFile(
      at("pruned.json"),
      JSON.stringify({
        ...{ schema: 1, removed: [[1, 1]], orphans: [hostile], branches: [hostile] },
        ...{ operation: hostile, at: when },
      }),
    );
    await edit(at("probe", "verdict.json"), (verdict) => ({
      ...verdict,
      ...{ store: hostile, program: hostile },
    }));
    for (const name of await readdir(at("versions"))) {
      if (!name.endsWith(".meta")) continue;
      await edit(at("versions", name), (sidecar) => ({
        ...sidecar,
        metadata: {
          ...{ "scb-operation": hostile, "scb-sequence": "1", "scb-sha256": hostile },
          ...{ "scb-previous-key": hostile, "scb-previous-sha256": hostile },
        },
      }));
    }
    await writeFile(at("versions", hostile.replaceAll("/", "")), "x");
    await mkdir(join(store, `${hostile}-node`));
    await walk(inStore(store));
    const unnamed = ["--to", pathToFileURL(store).href];
    assertHarmless(await runCli(["status", ...unnamed]), "status without --node");
  });

  it("from an S3 service does nothing to any output", async () => {
    await using s3 = await HostileS3.start();
    const xml = `<?xml version="1.0"?><Error><Code>${hostile}</Code><Message>${hostile.replaceAll("\u001b", "&#27;")}</Message><Region>${hostile}</Region></Error>`;
    s3.answer = (_asked, response) => {
      response.writeHead(403, {
        ...{ "content-type": "application/xml", "x-amz-request-id": "a\u009b2Jb" },
        "x-amz-bucket-region": "eu\u009b2J",
      });
      response.end(xml);
    };
    const env = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y", AWS_REGION: "us-east-1" };
    await walk(["--to", `s3://bucket?endpoint=${s3.endpoint}`, "--node", node], env);
    s3.answer = (_asked, response) => {
      response.writeHead(200, { "content-type": `text/html; ${"\u009b"}2J` });
      response.end(`<ListBucketResult><Contents><Key>${hostile}`);
    };
    const to = ["--to", `s3://bucket?endpoint=${s3.endpoint}`];
    for (const command of ["status", "list", "doctor"]) {
      assertHarmless(await runCli([command, ...to], { env }), command);
    }
  });

  describe("from lnd and its peers", () => {
    let setup: FakeSetup;
    let lnd: readonly string[];
    before(async () => {
      setup = await fakeSetup();
      lnd = [
        ...["--from", "lnd", "--rpcserver", setup.lnd.address, "--network", "regtest"],
        ...["--tlscertpath", tlsFile("fake-lnd.cert.pem"), "--macaroonpath", setup.macaroonPath],
      ];
    });
    after(() => setup[Symbol.asyncDispose]());

    const walkLnd = async (): Promise<void> => {
      const store = await copy();
      const dial = ["drill", "--dial", "--key-file", key];
      for (const command of [["status"], ["doctor", "--timeout", "3s"], dial, ["accept"]]) {
        for (const form of [[], ["--json"]]) {
          const args = [...command, ...form, ...lnd, ...inStore(store), "--log-level", "debug"];
          assertHarmless(await runCli(args), command.join(" "));
        }
      }
      const run = ["run", "--once", "--timeout", "2s", ...lnd, ...inStore(store)];
      assertHarmless(await runCli(run), "run");
    };

    it("does nothing to any output: names and addresses", async () => {
      setup.lnd.channelPoints = [point(1)];
      setup.lnd.open = [point(1)];
      setup.lnd.details.set(point(1), { remotePubkey: hostile });
      setup.lnd.peers = [{ pubKey: hostile, address: hostile, inbound: false }];
      setup.lnd.announced.set(hostile, [hostile, "\u001b[2J.example:9735"]);
      setup.lnd.announced.set(fakePubkey, [hostile]);
      setup.lnd.waitingClose.set(hostile, hostile);
      await walkLnd();
    });

    it("does nothing to any output: errors, which may hold the macaroon", async () => {
      const text = `${hostile} macaroon ${fakeMacaroon.toString("hex")}`;
      setup.lnd.failures.set("GetInfo", lndError(text));
      const { stdout, stderr } = await runCli(["status", ...lnd, ...inStore(template)]);
      assert.match(`${stdout}${stderr}`, /may hold a secret, so it isn't shown/);
      assert.ok(!`${stdout}${stderr}`.includes(fakeMacaroon.toString("hex").slice(0, 30)));
      await walkLnd();
      setup.lnd.failures.set("GetInfo", lndError(hostile));
      await walkLnd();
    });
  });
});
