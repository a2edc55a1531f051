/**
 * Bundles the command line and the library into `dist/` (or the folder that `--out` names), dependencies included, so that a command
 * starts fast and an installed package needs nothing else. Code that only some commands need (the
 * AWS SDK, gRPC) stays in chunks of its own, loaded when it is used.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  existsSync,
  globSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { build, type OutputChunk } from "rolldown";
import { completionFiles, completionShells } from "../src/commands/completion/shells.ts";
import { completionScript } from "../src/commands/completion.ts";
import { definitions } from "../src/commands/definitions.ts";
import { bundleInput, bundleOutput } from "./bundle-options.ts";
import { keepReachable } from "./declarations.ts";
import { licenseTexts } from "./licenses.ts";
import { manPages } from "./man-pages.ts";
import { copyDocuments } from "./published-docs.ts";
import { billOfMaterials } from "./sbom.ts";
import { sourceDateSeconds } from "./source-date.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: { out: { type: "string" }, "no-types": { type: "boolean" } },
});
const target = options.out ?? `${root}dist`;
const staging = `${target}.${process.pid}`;
const retired = `${staging}.old`;
const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
/** The library's modules, by the names of their files: "./backup" is `src/backup.ts`. */
const entries = Object.values<{ types?: string }>(manifest.exports).flatMap(
  ({ types }) => /([a-z]+)\.d\.ts$/.exec(types ?? "")?.[1] ?? [],
);

try {
  const declaring = options["no-types"] === true ? null : declare();
  await bundle();
  await declaring;
  writeForShells();
  writePackage();
  copyDocuments(root, staging);
  // Concurrent builds each leave a complete folder; the last one stays.
  if (existsSync(target)) renameSync(target, retired);
  renameSync(staging, target);
} finally {
  rmSync(staging, { recursive: true, force: true });
  rmSync(retired, { recursive: true, force: true });
}

async function bundle(): Promise<void> {
  const { output } = await build({
    cwd: root,
    input: {
      cli: "src/commands/main.ts",
      ...Object.fromEntries(entries.map((entry) => [entry, `src/${entry}.ts`])),
    },
    ...bundleInput,
    output: {
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "chunks/[name]-[hash].js",
      ...bundleOutput,
      sourcemap: "hidden",
    },
    write: false,
  });
  const chunks = output.filter((item) => item.type === "chunk");
  for (const chunk of chunks) writeChunk(chunk);
  const modules = [...new Set(chunks.flatMap(({ moduleIds }) => moduleIds))].sort();
  write("THIRD-PARTY-LICENSES.txt", licenseTexts(modules));
  write("sbom.cdx.json", billOfMaterials(root, manifest.name, modules));
}

/** Keeps only our own code in the source map: nobody reads a stack trace for the dependencies' code. */
function writeChunk({ fileName, code, map, moduleIds }: OutputChunk): void {
  const isOurs = moduleIds.some((id) => id.startsWith(`${root}src/`));
  if (!isOurs || map === null) {
    write(fileName, code);
    return;
  }
  const sourcesContent = map.sourcesContent?.map((text, at) =>
    map.sources[at]?.includes("node_modules/") === true ? null : text,
  );
  write(`${fileName}.map`, JSON.stringify({ ...map, sourcesContent }));
  write(fileName, `${code.trimEnd()}\n//# sourceMappingURL=${fileName.split("/").at(-1)}.map\n`);
}

async function declare(): Promise<void> {
  const args = ["-p", `${root}tsconfig.build.json`, "--outDir", `${staging}/types`];
  const tsc = spawn(`${root}node_modules/.bin/tsc`, args, { stdio: "inherit" });
  const [code] = await once(tsc, "exit");
  if (code !== 0) throw new Error("the type declarations could not be made");
  keepReachable(`${staging}/types`, entries);
}

/** The commands' shell completions and manual pages. */
function writeForShells(): void {
  const day = new Date(sourceDateSeconds() * 1000).toISOString().slice(0, 10);
  for (const [file, text] of manPages(day)) write(`man/${file}`, text);
  for (const shell of completionShells) {
    write(`completions/${completionFiles[shell]}`, completionScript(shell, definitions));
  }
}

/** `dist` is what gets published: it needs no dependencies, nor the Node that a checkout installs. */
function writePackage(): void {
  const { name, version, description, license, type, engines, sideEffects, bin, exports } =
    manifest;
  // npm's provenance requires the repository that the package is published from.
  const { GITHUB_REPOSITORY: repository } = process.env;
  const url = `git+https://github.com/${repository}.git`;
  const published = {
    ...{ name, version, description, license, type, engines, sideEffects, bin, exports },
    man: globSync("man/*.1", { cwd: staging }).sort(),
    ...(repository ? { repository: { type: "git", url } } : {}),
  };
  const text = JSON.stringify(published, null, 2).replaceAll(/"(?:\.\/)?dist\//g, '"./');
  write("package.json", `${text}\n`);
}

function write(file: string, text: string): void {
  mkdirSync(dirname(`${staging}/${file}`), { recursive: true });
  writeFileSync(`${staging}/${file}`, text);
}
