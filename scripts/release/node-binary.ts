import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { cached, toStderr } from "../../test/peers/peer-cache.ts";
import { runCommand } from "../../test/peers/run-command.ts";

export type Architecture = "x64" | "arm64";

const timeoutMs = 5 * 60_000;

/**
 * The folder of the Node that `package-lock.json` pins for this processor, with `bin/node` and `LICENSE`.
 * Node for another processor is fetched once.
 */
export function pinnedNode(root: string, architecture: Architecture): Promise<string> {
  const name = `node-linux-${architecture}`;
  const lock = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"));
  const { version, integrity } = lock.packages[`node_modules/${name}`];
  const installed = join(root, "node_modules", name);
  if (existsSync(join(installed, "bin/node"))) return Promise.resolve(installed);
  return fetchedNode(name, version, integrity);
}

/** The folder of a Node from a package, which must have this hash (`sha512-…`). The package is fetched once. */
export async function fetchedNode(
  name: string,
  version: string,
  integrity: string,
): Promise<string> {
  const folder = await cached(
    {
      key: `${name}-${version}`,
      title: `${name} ${version}`,
      build: async (target) => {
        const pack = ["pack", `${name}@${version}`, "--pack-destination", target];
        await runCommand("npm", pack, { timeoutMs });
        const tarball = join(target, `${name}-${version}.tgz`);
        const hash = createHash("sha512").update(await readFile(tarball));
        if (`sha512-${hash.digest("base64")}` !== integrity) {
          throw new Error(`${name} ${version} is not what ${integrity} pins`);
        }
        const wanted = ["package/bin/node", "package/LICENSE"];
        await runCommand("tar", ["-xzf", tarball, "-C", target, ...wanted], { timeoutMs });
        await rm(tarball);
      },
    },
    toStderr,
  );
  return join(folder, "package");
}
