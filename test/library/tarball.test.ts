/** The library as a stranger gets it: the packed tarball, installed in a fresh project. */
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { existsSync, globSync, readFileSync } from "node:fs";
import { cp, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath, pathToFileURL } from "node:url";
import { publint } from "publint";

const root = fileURLToPath(new URL("../..", import.meta.url));
const dist = join(root, "dist");
const timeout = 120_000;

let folder = "";
let project = "";
let installed = "";
let tarball = "";

function run(command: string, args: readonly string[], cwd = project) {
  // A test that is run by a test is told to run nothing.
  const { NODE_TEST_CONTEXT: _, ...env } = process.env;
  const child = spawnSync(command, args, { cwd, encoding: "utf8", timeout, env });
  return { status: child.status, out: `${child.stdout}${child.stderr}` };
}

const node = (...args: string[]) => run(process.execPath, args);

function mustRun(command: string, args: readonly string[], cwd?: string): string {
  const { status, out } = run(command, args, cwd);
  assert.equal(status, 0, `${command} ${args.join(" ")}: ${out}`);
  return out;
}

/** Type-checks `files` as a careful stranger does: strict, and the library's declarations too. */
async function check(...files: string[]): Promise<{ status: number | null; out: string }> {
  const config = {
    compilerOptions: {
      ...{ strict: true, exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
      ...{ noPropertyAccessFromIndexSignature: true, verbatimModuleSyntax: true },
      ...{ module: "nodenext", target: "es2024", types: ["node"], skipLibCheck: false },
      ...{ noEmit: true, allowImportingTsExtensions: true, erasableSyntaxOnly: true },
    },
    files,
  };
  await writeFile(join(project, "tsconfig.json"), JSON.stringify(config));
  return run(join(root, "node_modules/.bin/tsc"), ["-p", "."]);
}

before(
  async () => {
    assert.ok(existsSync(join(dist, "index.js")), "build it first: npm run build");
    folder = await mkdtemp(join(tmpdir(), "scb-library-"));
    project = join(folder, "project");
    installed = join(project, "node_modules/scb-mirror");
    await mkdir(project);
    mustRun("npm", ["pack", "--pack-destination", folder], dist);
    const [packed] = globSync("*.tgz", { cwd: folder });
    tarball = join(folder, packed ?? "");
    await writeFile(join(project, "package.json"), '{"type":"module","private":true}');
    mustRun("npm", ["install", "--offline", "--no-audit", "--no-fund", tarball]);
    // The only thing that a TypeScript project for Node brings besides.
    await mkdir(join(project, "node_modules/@types"));
    for (const name of ["@types/node", "undici-types"]) {
      await symlink(join(root, "node_modules", name), join(project, "node_modules", name));
    }
    await cp(join(root, "examples"), project, { recursive: true });
  },
  { timeout },
);

after(() => rm(folder, { recursive: true, force: true }));

describe("the tarball", { timeout }, () => {
  it("is clean by publint", async () => {
    const { messages } = await publint({ pkgDir: installed, level: "suggestion", strict: true });
    assert.deepEqual(messages, []);
  });

  it("is clean by attw, for ESM", () => {
    const attw = join(root, "node_modules/.bin/attw");
    const args = ["--profile", "esm-only", "--no-definitely-typed", "--no-color", "--no-emoji"];
    assert.match(mustRun(attw, [tarball, ...args]), /"scb-mirror\/testing" +│ OK \(ESM\)/);
  });

  it("needs nothing else, and has no side effects", async () => {
    const manifest = JSON.parse(await readFile(join(installed, "package.json"), "utf8"));
    assert.equal(manifest.dependencies, undefined);
    assert.equal(manifest.sideEffects, false);
    const root = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"));
    assert.deepEqual(Object.keys(manifest.exports), Object.keys(root.exports));
    mustRun("npx", ["--offline", "scb-mirror", "--version"]);
  });

  it("has only declarations that an entry point reaches", async () => {
    const types = join(installed, "types");
    const reached = new Set<string>();
    const reach = (file: string): void => {
      if (reached.has(file)) return;
      reached.add(file);
      for (const [, from = ""] of readFileSync(file, "utf8").matchAll(/ from "(.*)";/g)) {
        assert.match(from, /^\..*\.js$/, `${file} imports ${from}`);
        reach(join(dirname(file), from.replace(/\.js$/, ".d.ts")));
      }
    };
    for (const entry of globSync("*.d.ts", { cwd: types })) reach(join(types, entry));
    const all = globSync("**/*.d.ts", { cwd: types }).map((file) => join(types, file));
    assert.deepEqual(all.sort(), [...reached].sort());
    assert.ok(all.length > 20);
  });

  it("has links that lead somewhere", () => {
    const broken = globSync("**/*.md", { cwd: installed }).flatMap((file) => {
      const text = readFileSync(join(installed, file), "utf8");
      const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, to = ""]) => to);
      return links
        .filter((to) => !/^(?:[a-z]+:|#)/i.test(to))
        .filter((to) => !existsSync(join(installed, dirname(file), to.replace(/#.*/, ""))))
        .map((to) => `${file}: ${to}`);
    });
    assert.deepEqual(broken, []);
    for (const file of ["docs/lnd-mapping.md", "docs/recovery.md", "examples/ldk-node.ts"]) {
      assert.ok(existsSync(join(installed, file)), file);
    }
  });

  it("has the licences of what is bundled", async () => {
    const text = await readFile(join(installed, "THIRD-PARTY-LICENSES.txt"), "utf8");
    const { dependencies } = JSON.parse(await readFile(join(root, "package.json"), "utf8"));
    for (const [name, version] of Object.entries(dependencies)) {
      assert.ok(text.includes(`${name} ${version}\n`), name);
    }
    for (const phrase of [
      "END OF TERMS AND CONDITIONS",
      "Permission is hereby granted, free of charge",
      "Copyright 2008 Google Inc.",
    ]) {
      assert.ok(text.includes(phrase), phrase);
    }
  });

  it("has source maps that name our own sources", async () => {
    await writeFile(
      join(project, "trace.ts"),
      'import { parseOutPoint } from "scb-mirror/backup";\nparseOutPoint("nothing");\n',
    );
    const { out } = node("--enable-source-maps", "trace.ts");
    assert.match(out, /src\/wire\/out-point\.ts:\d+/);
  });
});

describe("a fresh project", { timeout }, () => {
  it("type-checks the examples", async () => {
    const examples = globSync("*.ts", { cwd: join(root, "examples") });
    assert.ok(examples.length >= 4);
    assert.deepEqual(await check(...examples), { status: 0, out: "" });
  });

  it("finds its mistakes while it type-checks", async () => {
    const text = `
      import { PushNotifier, type ChannelNotifier, type Swapper } from "scb-mirror";
      import { type Multi, type Single, parseOutPoint, singleVersions } from "scb-mirror/backup";
      import type { ObjectStore } from "scb-mirror/store";
      import { demoChannel } from "scb-mirror/testing";

      const notifier: ChannelNotifier = new PushNotifier();
      const push = new PushNotifier();
      const point = parseOutPoint("${"0".repeat(64)}:1");
      // @ts-expect-error a channel point is text
      push.closed(point);
      push.opened({ ...demoChannel(), capacitySat: 5 });
      // @ts-expect-error a channel lacks nearly everything
      push.opened({ fundingOutpoint: point });

      declare const multi: Multi;
      export const changed: readonly Single[] = multi.staticBackups.map((single) => ({
        ...single,
        capacitySat: single.capacitySat + 1,
      }));
      // @ts-expect-error what was read is not changed in place
      multi.staticBackups[0].capacitySat = 1;
      // @ts-expect-error there is no such version
      export const wrong: Single["version"] = 8;
      export const taproot: Single["version"] = singleVersions.simpleTaproot;
      // @ts-expect-error a Swapper that can't say what is saved
      export const forgetful: Swapper = { updateAndSwap: async () => {} };
      export const store = (given: ObjectStore): ObjectStore => given;
      export { notifier };
    `;
    await writeFile(join(project, "mistakes.ts"), text);
    assert.deepEqual(await check("mistakes.ts"), { status: 0, out: "" });
  });

  it("runs the LDK-like node into a folder, twice, and the reader on that folder", async () => {
    const to = pathToFileURL(join(folder, "store")).href;
    const first = node("ldk-node.ts", to);
    assert.equal(first.status, 0, first.out);
    assert.match(first.out, /saved: 2 channels, sequence \d+\nsaved: 1 channels, sequence \d+/);
    assert.match(first.out, /everything is saved/);

    const keyFile = join(folder, "backup.key");
    await writeFile(keyFile, "07".repeat(32), { mode: 0o600 });
    const reader = node("check-store.ts", to, "ldk", keyFile);
    assert.equal(reader.status, 0, reader.out);
    assert.match(reader.out, /^safe: 1 channels$/m);

    const second = node("ldk-node.ts", to);
    assert.equal(second.status, 0, second.out);

    const current = globSync("store/ldk/versions/*.backup", { cwd: folder }).sort().at(-1) ?? "";
    await writeFile(join(folder, current), "other bytes");
    const damaged = node("check-store.ts", to, "ldk", keyFile);
    assert.equal(damaged.status, 3, damaged.out);
    assert.match(damaged.out, /version-damaged/);
    assert.equal(node("check-store.ts", to, "nobody").status, 3, "no backup is not safe");
  });

  it("proves the SQLite swapper by the suite that comes with it", () => {
    const { status, out } = node("--test", "--test-reporter=tap", "prove-sqlite-swapper.ts");
    assert.equal(status, 0, out);
    assert.match(out, /keeps the promises of Swapper/);
    assert.match(out, /^# fail 0$/m);
    assert.ok(Number(/^# pass (\d+)$/m.exec(out)?.[1]) >= 10, out);
  });
});
