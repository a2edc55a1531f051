import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

const installTimeoutMs = 10 * 60_000;

/** Python's version, such as "3.11". Throws PeerUnavailable if there is no Python; `peer` is for its message. */
export async function pythonVersion(peer: string): Promise<string> {
  const version = await python(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
  if (version !== null) return version;
  throw new PeerUnavailable(
    `${peer} runs on Python, and "python3" fails: install Python 3.9 or later, with pip`,
  );
}

/** What Python printed, or null if it failed. */
export async function python(args: readonly string[]): Promise<string | null> {
  try {
    return (await runCommand("python3", args, { timeoutMs: 60_000 })).trim();
  } catch {
    return null;
  }
}

/** Fills `folder`, which PYTHONPATH can name, with packages of exact versions. Throws PeerUnavailable. */
export async function pipInstall(folder: string, packages: readonly string[]): Promise<void> {
  const flags = ["--quiet", "--disable-pip-version-check", "--no-warn-conflicts"];
  try {
    const args = ["-m", "pip", "install", ...flags, "--target", folder, ...packages];
    await runCommand("python3", args, { timeoutMs: installTimeoutMs });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PeerUnavailable(
      `pip could not install it. It needs pip, and the network the first time.\n${text}`,
      { cause: error },
    );
  }
}
