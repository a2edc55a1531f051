import { mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runCommand } from "../peers/run-command.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** What `npm run release:build` makes, in a folder of its own. */
export class BuiltRelease implements AsyncDisposable {
  readonly folder: string;
  readonly files: readonly string[];

  private constructor(folder: string, files: readonly string[]) {
    this.folder = folder;
    this.files = files;
  }

  static async make(environment: NodeJS.ProcessEnv = {}): Promise<BuiltRelease> {
    const parent = await mkdtemp(join(tmpdir(), "scb-release-"));
    const folder = join(parent, "release");
    try {
      await runCommand(process.execPath, [join(root, "scripts/release.ts"), "--out", folder], {
        cwd: root,
        env: { ...process.env, ...environment },
        timeoutMs: 10 * 60_000,
      });
      return new BuiltRelease(folder, (await readdir(folder)).sort());
    } catch (error) {
      await rm(parent, { recursive: true, force: true });
      throw error;
    }
  }

  /** The path of the file whose name ends so. */
  path(ending: string): string {
    const [file, ...others] = this.files.filter((name) => name.endsWith(ending));
    if (file === undefined || others.length > 0) throw new Error(`no one file ends in ${ending}`);
    return join(this.folder, file);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(join(this.folder, ".."), { recursive: true, force: true });
  }
}
