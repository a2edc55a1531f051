import { cached, type Progress } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

const motoVersion = "5.2.1";
const packages = [`moto[s3]==${motoVersion}`, "flask==3.1.3", "flask-cors==6.0.5"] as const;
const installTimeoutMs = 10 * 60_000;

/** Variables with which `python3 -m moto.server` starts moto. Throws PeerUnavailable. */
export async function installMoto(progress: Progress): Promise<NodeJS.ProcessEnv> {
  if ((await python(["-c", `import moto.server; print(moto.__version__)`])) === motoVersion)
    return {};
  const version = await python(["-c", "import sys; print('%d.%d' % sys.version_info[:2])"]);
  if (version === null) {
    throw new PeerUnavailable(
      'moto runs on Python, and "python3" fails: install Python 3.9 or later, with pip',
    );
  }
  const folder = await cached(
    {
      key: `moto-${motoVersion}-python${version}`,
      title: "moto (about a minute the first time)",
      build: pipInstall,
    },
    progress,
  );
  return { PYTHONPATH: folder };
}

/** What Python printed, or null where it failed. */
async function python(args: readonly string[]): Promise<string | null> {
  try {
    return (await runCommand("python3", args, { timeoutMs: 60_000 })).trim();
  } catch {
    return null;
  }
}

async function pipInstall(folder: string): Promise<void> {
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
