import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import decodeQr from "qr/decode.js";
import { makeKit } from "../../src/recovery/kit/kit.ts";
import { kitToHtml } from "../../src/recovery/kit/kit-html.ts";
import { itNeeds } from "../infra/needs-tool.ts";
import { printPage } from "../peers/browser.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { kitCases } from "../recovery/kit-world.ts";
import { Bucket } from "../support/bucket.ts";
import { runCli } from "../support/cli.ts";
import { assertOneLine } from "../support/one-line.ts";

const bucketName = "kept-safe";

peerSuite("the recovery kit, printed by a real browser", ["browser"], () => {
  for (const [name, facts] of kitCases) {
    // What is widest and what is lowest; the short ones have room to spare on both.
    const papers = name.includes("long") ? (["A4", "Letter"] as const) : (["Letter"] as const);
    for (const paper of papers) {
      it(`${name}: one sheet of ${paper}, all of it there, its QR code can be scanned`, async () => {
        const kit = makeKit(facts);
        const { pages, text } = await printPage(kitToHtml(kit), { paper });
        assert.equal(pages.length, 1);
        const [page] = pages;
        assert.ok(page !== undefined);
        const width = page.widthPx;
        const data = new Uint8Array(width * page.heightPx * 4);
        for (let at = 0; at < width * page.heightPx; at++) {
          data.set([...page.rgb.subarray(at * 3, at * 3 + 3), 255], at * 4);
        }
        assert.equal(decodeQr({ width, height: page.heightPx, data }), facts.to);
        // A line may break at a hyphen, which pdftotext takes for one of hyphenation.
        const bare = (some: string): string => some.replaceAll(/[\s-]+/g, "");
        const printed = bare(text);
        for (const { blocks } of kit.sections) {
          for (const block of blocks) {
            const lines = block.kind === "text" ? [block.text] : block.lines;
            for (const line of lines) assert.ok(printed.includes(bare(line)), line);
          }
        }
        assert.ok(printed.includes(bare(kit.footer)), "the last line");
      });
    }
  }
});

peerSuite("the recovery kit of a real bucket", ["minio"], () => {
  let minio: MinioServer;
  let bucket: Bucket;
  let folder: string;
  const to = (node = "alice") => ["--to", `s3://${bucketName}/lightning`, "--node", node];

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-kit-"));
    minio = await startMinio();
    await minio.createBucket(bucketName);
    bucket = new Bucket(minio, bucketName);
    const run = await runCli(["run", "--once", "--from", "demo", ...to()], { env: minio.env() });
    assert.equal(run.code, 0, run.stderr);
  });
  after(async () => {
    bucket?.[Symbol.dispose]();
    await minio?.[Symbol.asyncDispose]();
    await rm(folder, { recursive: true, force: true });
  });

  const textOf = async (): Promise<string> => {
    const kit = await runCli(["kit", "--text", "-o", "-", ...to()], { env: minio.env() });
    assert.equal(kit.code, 0, kit.stderr);
    return kit.stdout;
  };
  /** Types what the page has for `tool`, with what the pointer names for KEY; gives what it prints. */
  const typed = async (tool: string): Promise<string> => {
    const { pointer } = await bucket.current("lightning/alice");
    const { AWS_ENDPOINT_URL_S3: _, AWS_REGION: __, ...credentials } = minio.env();
    const env = { PATH: process.env["PATH"], HOME: folder, ...credentials };
    const commands = (await textOf())
      .split("\n")
      .map((line) => line.trim())
      .filter((line) => line.startsWith(tool) || /^[A-Z]=/.test(line) || line.includes(`; ${tool}`))
      .map((line) => line.replace('/KEY"', `/${pointer.version.key}"`));
    assert.ok(commands.length >= 4, commands.join("\n"));
    const script = commands.join("\n");
    const result = spawnSync("bash", ["-ec", script], { cwd: folder, env, encoding: "utf8" });
    assert.equal(result.status, 0, `${script}\n${result.stderr}`);
    return result.stdout;
  };

  for (const [tool, typing, remedy] of [
    ["curl", "get", "apt-get install curl"],
    ["aws", "aws ", "pip install awscli"],
  ] as const) {
    itNeeds(tool, { inCi: tool === "curl", remedy }, `its ${tool} commands fetch it`, () =>
      fetchedBy(typing),
    );
  }
  const fetchedBy = async (tool: string): Promise<void> => {
    const file = (name: string): string => join(folder, `channel${name}.backup`);
    const before = await bucket.get("lightning/alice/latest.json");
    const { pointer, bytes } = await bucket.current("lightning/alice");
    const also = ["01JD0000000000000000000001", "01JD0000000000000000000002"].map(
      (id) => `versions/${"1".padStart(20, "0")}-${id}.backup`,
    );
    const others = also.map((_, index) => Buffer.from(`older ${index}`));
    try {
      for (const [index, key] of also.entries()) {
        await bucket.put(`lightning/alice/${key}`, others[index] ?? bytes);
      }
      const alsoRestore = also.map((key) => ({ key, sha256: null, channelPoints: [] }));
      const named = { ...JSON.parse(Buffer.from(before.bytes).toString()), schema: 2, alsoRestore };
      await bucket.put("lightning/alice/latest.json", Buffer.from(JSON.stringify(named, null, 2)));
      const shown = await typed(tool);
      assert.ok(shown.includes(`"key": "${pointer.version.key}"`), shown);
      assert.ok(shown.includes(pointer.version.sha256));
      assert.ok((await readFile(file(""))).equals(bytes));
      for (const [index, other] of others.entries()) {
        assert.ok((await readFile(file(`.also-${index + 1}`))).equals(other));
      }
    } finally {
      await bucket.put("lightning/alice/latest.json", before.bytes);
      for (const key of also) await bucket.delete(`lightning/alice/${key}`);
      for (const name of ["", ".also-1", ".also-2"]) await rm(file(name), { force: true });
    }
  };

  it("names where the backups are as the environment has it, and no secret of it", async () => {
    const { host } = new URL(minio.endpoint);
    const env = {
      ...minio.env(),
      AWS_ENDPOINT_URL_S3: `http://${host}`,
      SCB_MIRROR_LNDCONNECT: "lndconnect://h:1?macaroon=AgEDbG5kAvgBAwoQ",
    };
    for (const form of [[], ["--text"]]) {
      const kit = await runCli(["kit", "-o", "-", ...form, ...to()], { env });
      assert.equal(kit.code, 0, kit.stderr);
      assert.ok(kit.stdout.includes(`endpoint=http://${host}`), kit.stdout);
      assert.ok(kit.stdout.includes("region=us-east-1"));
      const hidden = [
        ...[minio.accessKeyId, minio.secretAccessKey],
        ...["AgEDbG5kAvgBAwoQ", "lndconnect"],
      ];
      for (const secret of hidden) assert.ok(!kit.stdout.includes(secret), secret);
      const { pubkey } = JSON.parse(
        Buffer.from((await bucket.get("lightning/alice/latest.json")).bytes).toString(),
      ).node;
      for (const [hex] of kit.stdout.matchAll(/[0-9a-f]{32,}/gi)) assert.equal(hex, pubkey);
    }
    const withSecrets = `http://endpointuser:endpointpassword@${host}`;
    const refused = await runCli(["kit", "-o", "-", ...to()], {
      env: { ...env, AWS_ENDPOINT_URL_S3: withSecrets },
    });
    assert.equal(refused.code, 2);
    assert.doesNotMatch(refused.stdout + refused.stderr, /endpointuser|endpointpassword/);
  });

  it("is written whole, readable, and never over another file unless told to", async () => {
    const file = join(folder, "kit.html");
    const args = ["kit", "-o", file, ...to()];
    const first = await runCli(args, { env: minio.env() });
    assert.equal(first.code, 0, first.stderr);
    assert.match(await readFile(file, "utf8"), /^<!doctype html>.*<\/html>\n$/s);
    assert.equal((await stat(file)).mode & 0o777, 0o644);
    assertOneLine(await runCli(args, { env: minio.env() }), 4, [/already exists/, /--force/]);
    const again = await runCli([...args, "--force", "--json"], { env: minio.env() });
    const { current, ...json } = JSON.parse(again.stdout);
    assert.equal(current.sequence, 1);
    assert.deepEqual([json.file, json.node, json.lastDrill], [file, "alice", null]);
  });

  const wrong: readonly (readonly [
    name: string,
    args: readonly string[],
    code: number,
    says: readonly RegExp[],
    node?: string,
  ])[] = [
    [
      "a folder that is not there",
      ["-o", join(tmpdir(), "scb-kit-of-nobody", "kit.html")],
      1,
      [/scb-kit-of-nobody doesn't exist: create this folder/],
    ],
    ["a node without backups", ["-o", "-"], 1, [/no backup in .*nobody/], "nobody"],
    ["both forms on stdout", ["-o", "-", "--json"], 2, [/both need stdout/]],
  ];
  for (const [name, args, code, says, node] of wrong) {
    it(`refuses ${name}`, async () => {
      const result = await runCli(["kit", ...to(node), ...args], { env: minio.env() });
      assertOneLine(result, code, says);
      assert.equal(result.stdout, "");
    });
  }
});
