import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

/** Installs packages of Debian's; needs root. Throws PeerUnavailable. */
export async function installDebian(packages: readonly string[]): Promise<void> {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  try {
    await runCommand("apt-get", ["update"], { env, timeoutMs: 5 * 60_000 });
    const args = ["install", "-y", "--no-install-recommends", ...packages];
    await runCommand("apt-get", args, { env, timeoutMs: 10 * 60_000 });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PeerUnavailable(`${packages.join(", ")} could not be installed.\n${text}`, {
      cause: error,
    });
  }
}
