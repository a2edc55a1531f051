import { spawnSync } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../../", import.meta.url));

export interface BuiltCli extends AsyncDisposable {
  /** `cli.js` of the build, to be run with node. */
  readonly path: string;
}

/** Builds the command line, and copies it, so that no other build replaces it in the middle. */
export async function builtCli(): Promise<BuiltCli> {
  const built = spawnSync(process.execPath, ["scripts/build.ts", "--no-types"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (built.status !== 0) throw new Error("the command line could not be built");
  const folder = await mkdtemp(join(tmpdir(), "scb-bench-cli-"));
  await cp(join(root, "dist"), folder, { recursive: true });
  return {
    path: join(folder, "cli.js"),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  };
}
