/**
 * Bundles the command line and the library into `dist/`, dependencies included, so that a command
 * starts fast and an installed package needs nothing else. Code that only some commands need (the
 * AWS SDK, gRPC) stays in chunks of its own, loaded when it is used.
 */
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { build } from "rolldown";

const root = fileURLToPath(new URL("..", import.meta.url));
const staging = `${root}dist.${process.pid}`;
const retired = `${staging}.old`;

try {
  await build({
    cwd: root,
    input: { cli: "src/commands/main.ts", index: "src/index.ts" },
    platform: "node",
    // The AWS SDK's CommonJS files, which Node would take, cannot be split: all 100 commands stay in.
    resolve: { mainFields: ["module", "main"], conditionNames: ["module", "import", "node"] },
    transform: { target: "node22" },
    output: {
      dir: staging,
      format: "esm",
      entryFileNames: "[name].js",
      chunkFileNames: "chunks/[name]-[hash].js",
      minify: { compress: true, mangle: false, codegen: false },
      comments: { legal: true, annotation: false, jsdoc: false },
    },
    logLevel: "warn",
  });
  if (!process.argv.includes("--no-types")) {
    const tsc = spawnSync(
      `${root}node_modules/.bin/tsc`,
      ["-p", `${root}tsconfig.build.json`, "--outDir", `${staging}/types`],
      { stdio: "inherit" },
    );
    if (tsc.status !== 0) throw new Error("the type declarations could not be made");
  }
  writePackage();
  // Two builds at once each leave a whole folder; the last one stays.
  if (existsSync(`${root}dist`)) renameSync(`${root}dist`, retired);
  renameSync(staging, `${root}dist`);
} finally {
  rmSync(staging, { recursive: true, force: true });
  rmSync(retired, { recursive: true, force: true });
}

/** `dist` is what gets published: it needs no dependencies, nor the Node that a checkout brings. */
function writePackage(): void {
  const manifest = JSON.parse(readFileSync(`${root}package.json`, "utf8"));
  const { name, version, description, license, type, engines } = manifest;
  const published = {
    ...{ name, version, description, license, type, engines },
    bin: { "scb-mirror": "cli.js" },
    exports: { ".": { types: "./types/index.d.ts", default: "./index.js" } },
  };
  writeFileSync(`${staging}/package.json`, `${JSON.stringify(published, null, 2)}\n`);
  for (const file of ["README.md", "CHANGELOG.md", "LICENSE"]) {
    copyFileSync(`${root}${file}`, `${staging}/${file}`);
  }
}
