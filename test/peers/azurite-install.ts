import { join } from "node:path";
import { cached, type Progress } from "./peer-cache.ts";
import { PeerUnavailable } from "./peer-unavailable.ts";
import { runCommand } from "./run-command.ts";

/** Half a gigabyte in 450 packages: too much to be a dependency, if only of the tests. */
const azuriteVersion = "3.37.0";
const installTimeoutMs = 10 * 60_000;

/** The path of Azurite's blob service, a program for Node. Throws PeerUnavailable. */
export async function installAzurite(progress: Progress): Promise<string> {
  const folder = await cached(
    {
      key: `azurite-${azuriteVersion}`,
      title: "Azurite (about a minute the first time)",
      build: npmInstall,
    },
    progress,
  );
  return join(folder, "node_modules/azurite/dist/src/blob/main.js");
}

async function npmInstall(folder: string): Promise<void> {
  const flags = ["--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error"];
  try {
    const args = ["install", ...flags, "--prefix", folder, `azurite@${azuriteVersion}`];
    await runCommand("npm", args, { timeoutMs: installTimeoutMs });
  } catch (error) {
    const text = error instanceof Error ? error.message : String(error);
    throw new PeerUnavailable(
      `npm could not install it. It needs the network the first time.\n${text}`,
      { cause: error },
    );
  }
}
