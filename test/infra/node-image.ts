import { chmod, copyFile, cp, mkdir, mkdtemp, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { runCommand } from "../peers/run-command.ts";

const timeoutMs = 5 * 60_000;

/**
 * Builds an image that stands in for the Dockerfile's base where no registry can be had: this machine's
 * node, npm and sh with the libraries that they load, npm's settings, and nothing else. Linux only.
 */
export async function buildNodeImage(name: string, host: string): Promise<void> {
  const context = await mkdtemp(join(tmpdir(), "scb-node-image-"));
  try {
    const inRoot = (path: string): string => join(context, "root", path);
    const put = async (from: string, to: string): Promise<void> => {
      await mkdir(dirname(inRoot(to)), { recursive: true });
      await copyFile(await realpath(from), inRoot(to));
    };
    await put(process.execPath, "/usr/bin/node");
    await put("/bin/sh", "/bin/sh");
    for (const program of [process.execPath, "/bin/sh"]) {
      for (const library of await librariesOf(program)) await put(library, library);
    }
    // Its command is a link to npm-cli.js, two folders down.
    const npm = dirname(
      dirname(await realpath((await output("sh", ["-c", "command -v npm"])).trim())),
    );
    await cp(npm, inRoot("/usr/lib/npm"), { recursive: true });
    await writeFile(
      inRoot("/usr/bin/npm"),
      '#!/bin/sh\nexec node /usr/lib/npm/bin/npm-cli.js "$@"\n',
    );
    await chmod(inRoot("/usr/bin/npm"), 0o755);
    await mkdir(inRoot("/tmp"));
    const settings = [
      `NPM_CONFIG_REGISTRY=${(await output("npm", ["config", "get", "registry"])).trim()}`,
    ];
    const authorities = process.env["NODE_EXTRA_CA_CERTS"];
    if (authorities) {
      await put(authorities, "/etc/authorities.pem");
      settings.push("NODE_EXTRA_CA_CERTS=/etc/authorities.pem");
    }
    await writeFile(
      join(context, "Dockerfile"),
      `FROM scratch\nCOPY root /\nENV PATH=/usr/bin:/bin HOME=/tmp ${settings.join(" ")}\n`,
    );
    await runCommand("docker", ["--host", host, "build", "--tag", name, context], { timeoutMs });
  } finally {
    await rm(context, { recursive: true, force: true });
  }
}

/**
 * What the dynamic linker loads, itself included, and the one part of the C library that native
 * modules load and node does not.
 */
async function librariesOf(program: string): Promise<readonly string[]> {
  const lines = (await output("ldd", [program])).split("\n");
  const paths = lines.flatMap((line) => /(?:=> |^\s*)(\/\S+) \(0x/.exec(line)?.[1] ?? []);
  const libc = paths.find((path) => path.includes("/libc."));
  return libc === undefined ? paths : [...paths, join(dirname(libc), "librt.so.1")];
}

function output(command: string, args: readonly string[]): Promise<string> {
  return runCommand(command, args, { timeoutMs });
}
