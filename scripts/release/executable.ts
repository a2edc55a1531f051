import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { build } from "rolldown";
import { runCommand } from "../../test/peers/run-command.ts";
import { bundleInput, bundleOutput } from "../bundle-options.ts";

const timeoutMs = 5 * 60_000;
/** Node searches its own binary for it, to see whether a program was injected. Source: Node, "Single executable applications". */
const sentinelFuse = "NODE_SEA_FUSE_fce680ab2cc467b6e072b8b5df1996b2";
const blobFile = "scb-mirror.blob";

/**
 * Packs the program into one file for Node, in `folder`, and returns its path. It runs in any of Node's
 * builds of this exact version: it has no code cache, which would suit one processor only and
 * differ from build to build.
 */
export async function packProgram(root: string, folder: string): Promise<string> {
  const { output } = await build({
    cwd: root,
    input: { "scb-mirror": "src/commands/executable.ts" },
    ...bundleInput,
    // A single executable can't load ES modules.
    output: {
      format: "cjs",
      dynamicImportInCjs: false,
      entryFileNames: "[name].cjs",
      chunkFileNames: "[name]-[hash].cjs",
      ...bundleOutput,
    },
    write: false,
  });
  const chunks = output.filter((item) => item.type === "chunk");
  mkdirSync(folder, { recursive: true });
  for (const { fileName, code } of chunks) writeFileSync(join(folder, fileName), code);
  const loader = "load-chunks.cjs";
  copyFileSync(join(import.meta.dirname, loader), join(folder, loader));
  const names = chunks.map(({ fileName }) => fileName).sort();
  const config = {
    // Relative, because the blob contains the paths.
    main: loader,
    output: blobFile,
    assets: Object.fromEntries(names.map((name) => [name, name])),
    disableExperimentalSEAWarning: true,
    useCodeCache: false,
    execArgvExtension: "none",
  };
  writeFileSync(join(folder, "sea.json"), JSON.stringify(config));
  await runCommand(process.execPath, ["--experimental-sea-config", "sea.json"], {
    cwd: folder,
    timeoutMs,
  });
  return join(folder, blobFile);
}

/** Injects the packed program into a copy of `node`, an executable for any processor. */
export async function makeExecutable(node: string, blob: string, target: string): Promise<void> {
  copyFileSync(node, target);
  chmodSync(target, 0o755);
  const postject = join(dirname(createRequire(import.meta.url).resolve("postject")), "cli.js");
  const args = [target, "NODE_SEA_BLOB", blob, "--sentinel-fuse", sentinelFuse];
  await runCommand(process.execPath, [postject, ...args], { timeoutMs });
}
