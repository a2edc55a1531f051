import { existsSync } from "node:fs";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";

const programs = ["/usr/bin/prometheus", "/usr/bin/promtool", "/usr/bin/amtool"] as const;

/**
 * Makes sure that Prometheus and the tools of its configuration are there. Installs Debian's where
 * `install` is true, which by default only CI wants. Throws PeerUnavailable.
 */
export async function provisionPrometheus(
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  if (programs.every((program) => existsSync(program))) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!install || !canInstall) {
    throw new PeerUnavailable(
      `prometheus, promtool or amtool is missing. Install them, or let "npm run peers -- prometheus" install Debian's`,
    );
  }
  progress("prometheus: installing Debian's prometheus and prometheus-alertmanager");
  await installDebian(["prometheus", "prometheus-alertmanager"]);
}
