import { spawnSync } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  globSync,
  lutimesSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { completionFiles, completionShells } from "../../src/commands/completion/shells.ts";
import { runCommand } from "../../test/peers/run-command.ts";

/** The inputs of a package: paths of files, and of an empty folder. */
export interface DebianParts {
  readonly root: string;
  readonly dist: string;
  readonly executable: string;
  readonly nodeLicense: string;
  readonly version: string;
  readonly builtAtSeconds: number;
  readonly staging: string;
  /** The path of the package to write. */
  readonly target: string;
}

const completionFolders = {
  bash: "usr/share/bash-completion/completions",
  zsh: "usr/share/zsh/vendor-completions",
  fish: "usr/share/fish/vendor_completions.d",
} as const;

/** Makes the package for amd64: the executable, its service, settings, manual pages and completions. */
export async function makeDebianPackage(parts: DebianParts): Promise<void> {
  const { root, dist, executable, nodeLicense, version, builtAtSeconds, staging, target } = parts;
  const put = (from: string, to: string, mode = 0o644): void => write(to, readFileSync(from), mode);
  const write = (to: string, content: string | Uint8Array, mode = 0o644): void => {
    const path = join(staging, to);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    chmodSync(path, mode);
  };
  const template = (name: string): string => join(root, "infra/debian", name);

  mkdirSync(join(staging, "usr/bin"), { recursive: true });
  copyFileSync(executable, join(staging, "usr/bin/scb-mirror"));
  chmodSync(join(staging, "usr/bin/scb-mirror"), 0o755);
  put(join(root, "infra/systemd/scb-mirror.service"), "lib/systemd/system/scb-mirror.service");
  put(template("environment"), "etc/scb-mirror/environment");
  put(template("aws-credentials"), "etc/scb-mirror/aws-credentials", 0o600);
  for (const shell of completionShells) {
    const file = completionFiles[shell];
    put(join(dist, "completions", file), join(completionFolders[shell], file));
  }
  for (const page of globSync("*.1", { cwd: join(dist, "man") })) {
    write(`usr/share/man/man1/${page}.gz`, gzip(readFileSync(join(dist, "man", page))));
  }
  const docs = "usr/share/doc/scb-mirror";
  put(template("copyright"), `${docs}/copyright`);
  put(nodeLicense, `${docs}/NODE-LICENSE`);
  put(join(dist, "THIRD-PARTY-LICENSES.txt"), `${docs}/THIRD-PARTY-LICENSES.txt`);
  put(join(root, "docs/recovery.md"), `${docs}/recovery.md`);
  write(`${docs}/changelog.gz`, gzip(changelog(version, builtAtSeconds, template("control"))));
  put(template("lintian-overrides"), "usr/share/lintian/overrides/scb-mirror");

  const sizeKiB = Math.ceil(sizeBytes(staging) / 1024);
  const control = readFileSync(template("control"), "utf8")
    .replace("@VERSION@", version)
    .replace("@SIZE@", String(sizeKiB));
  write("DEBIAN/control", control);
  write("DEBIAN/conffiles", "/etc/scb-mirror/environment\n/etc/scb-mirror/aws-credentials\n");
  write("DEBIAN/md5sums", md5sums(staging));
  for (const script of ["postinst", "prerm", "postrm"]) {
    put(template(script), `DEBIAN/${script}`, 0o755);
  }
  normalise(staging, builtAtSeconds);
  await runCommand(
    "dpkg-deb",
    // The highest level is three times slower and saves 5 %. One thread, since xz's output depends on their number.
    ["--root-owner-group", "-Zxz", "-z1", "--threads-max=1", "--build", staging, target],
    { env: { ...process.env, SOURCE_DATE_EPOCH: String(builtAtSeconds) }, timeoutMs: 10 * 60_000 },
  );
}

/** Without the file's name and time. */
function gzip(content: string | Uint8Array): Uint8Array {
  return gzipSync(content, { level: 9 });
}

/** Debian requires its own format; the project's changelog says what changed. */
function changelog(version: string, builtAtSeconds: number, control: string): string {
  const [, maintainer = ""] = /^Maintainer: (.*)$/m.exec(readFileSync(control, "utf8")) ?? [];
  const date = new Date(builtAtSeconds * 1000).toUTCString().replace("GMT", "+0000");
  return `scb-mirror (${version}) stable; urgency=medium

  * See CHANGELOG.md of the project for what changed.

 -- ${maintainer}  ${date}
`;
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

function sizeBytes(folder: string): number {
  return filesOf(folder).reduce((sum, file) => sum + statSync(join(folder, file)).size, 0);
}

function md5sums(folder: string): string {
  const files = filesOf(folder).filter((file) => !file.startsWith("DEBIAN/"));
  const { stdout, status } = spawnSync("md5sum", files, { cwd: folder, encoding: "utf8" });
  if (status !== 0) throw new Error("md5sum failed");
  return stdout;
}

/** Sets the same modes and times regardless of the umask and the current time. */
function normalise(folder: string, seconds: number): void {
  const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
  for (const entry of entries) {
    const path = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) chmodSync(path, path.endsWith("etc/scb-mirror") ? 0o700 : 0o755);
    lutimesSync(path, seconds, seconds);
  }
  chmodSync(folder, 0o755);
  lutimesSync(folder, seconds, seconds);
}
