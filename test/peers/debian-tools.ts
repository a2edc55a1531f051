import { existsSync } from "node:fs";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";

/** Programs that Debian's own packages provide. */
export interface DebianTools {
  /** Their name for `npm run peers`. */
  readonly name: string;
  readonly programs: readonly string[];
  readonly packages: readonly string[];
}

/** The shells in which completion is tested; bash is everywhere. */
export const shells: DebianTools = {
  name: "shells",
  programs: ["/usr/bin/zsh", "/usr/bin/fish"],
  packages: ["zsh", "fish"],
};

/** Compose, in the oldest version that docker-compose.yml is written for. */
export const compose: DebianTools = {
  name: "compose",
  programs: ["/usr/bin/docker-compose"],
  packages: ["docker-compose"],
};

/** For checking packages, installing them on a clean Debian, and emulating another processor. */
export const packaging: DebianTools = {
  name: "packaging",
  programs: [
    ...["/usr/bin/lintian", "/usr/sbin/debootstrap", "/usr/bin/man"],
    ...["/usr/bin/qemu-aarch64-static", "/usr/aarch64-linux-gnu/lib/libstdc++.so.6"],
  ],
  packages: [
    ...["lintian", "debootstrap", "man-db"],
    ...["qemu-user-static", "libc6-arm64-cross", "libstdc++6-arm64-cross"],
  ],
};

/**
 * Makes sure that the programs are there. Installs Debian's if `install` is true, which by default only
 * CI sets: a test that a person runs doesn't change the system. Throws PeerUnavailable.
 */
export async function provisionTools(
  { name, programs, packages }: DebianTools,
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  const missing = programs.filter((program) => !existsSync(program));
  if (missing.length === 0) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!install || !canInstall) {
    throw new PeerUnavailable(
      `${missing.join(", ")} is missing. Install it, or let "npm run peers -- ${name}" install Debian's ${packages.join(", ")}`,
    );
  }
  progress(`${name}: installing Debian's ${packages.join(", ")}`);
  await installDebian(packages);
}
