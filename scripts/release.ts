/**
 * `npm run release:build`: makes all files of a release, in `release/` (or the folder that `--out`
 * names). It publishes nothing.
 * Two builds of one commit are identical byte for byte; tests compare them.
 */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { runCommand } from "../test/peers/run-command.ts";
import { releaseNotes } from "./changelog.ts";
import { makeDebianPackage } from "./release/debian-package.ts";
import { makeExecutable, packProgram } from "./release/executable.ts";
import { pinnedNode } from "./release/node-binary.ts";
import { sourceDateSeconds } from "./source-date.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
const builtAtSeconds = sourceDateSeconds();
process.env["SOURCE_DATE_EPOCH"] = String(builtAtSeconds);

const { values: options } = parseArgs({ options: { out: { type: "string" } } });
const target = resolve(options.out ?? join(root, "release"));
// Built in a folder beside it, so that nobody takes an unfinished build for a release.
const work = mkdtempSync(`${target}.`);
try {
  const made = join(work, "made");
  mkdirSync(made);
  const dist = join(work, "dist");
  const build = [join(root, "scripts/build.ts"), "--out", dist];
  await runCommand(process.execPath, build, { timeoutMs: 5 * 60_000 });
  const file = (suffix: string): string => join(made, `scb-mirror-${version}${suffix}`);

  await runCommand("npm", ["pack", "--pack-destination", made], { cwd: dist, timeoutMs: 120_000 });
  const blob = await packProgram(root, join(work, "program"));
  for (const architecture of ["x64", "arm64"] as const) {
    const node = await pinnedNode(root, architecture);
    await makeExecutable(join(node, "bin/node"), blob, file(`-linux-${architecture}`));
  }
  const nodeLicense = join(await pinnedNode(root, "x64"), "LICENSE");
  await makeDebianPackage({
    ...{ root, dist, nodeLicense, version, builtAtSeconds },
    executable: file("-linux-x64"),
    staging: join(work, "debian"),
    target: join(made, `scb-mirror_${version}_amd64.deb`),
  });
  copyFileSync(join(dist, "sbom.cdx.json"), file(".cdx.json"));
  const licenses = [nodeLicense, join(dist, "THIRD-PARTY-LICENSES.txt")];
  writeFileSync(
    file("-licenses.txt"),
    licenses.map((path) => readFileSync(path, "utf8")).join("\n"),
  );
  writeFileSync(file("-changes.md"), releaseNotes(join(root, "changelog"), version));
  writeInstaller(join(made, "install.sh"));
  writeFileSync(join(made, "SHA256SUMS"), checksums(made));

  rmSync(target, { recursive: true, force: true });
  renameSync(made, target);
} finally {
  rmSync(work, { recursive: true, force: true });
}
process.stdout.write(readFileSync(join(target, "SHA256SUMS")));

/** With the address of the release, if the release workflow runs this. */
function writeInstaller(path: string): void {
  const { GITHUB_REPOSITORY: repository } = process.env;
  const address = repository
    ? `https://github.com/${repository}/releases/download/v${version}`
    : "";
  const text = readFileSync(join(root, "infra/install.sh"), "utf8")
    .replace("@VERSION@", version)
    .replace("@RELEASE@", address);
  writeFileSync(path, text, { mode: 0o755 });
}

/** In the format of `sha256sum --check`. */
function checksums(folder: string): string {
  const lines = readdirSync(folder)
    .sort()
    .map((name) => {
      const hash = createHash("sha256").update(readFileSync(join(folder, name)));
      return `${hash.digest("hex")}  ${name}\n`;
    });
  return lines.join("");
}
