import { chmod, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { runCommand } from "../peers/run-command.ts";
import { cliPath } from "../support/cli.ts";

/** Somebody who follows a page at a shell, in a folder of their own, with the programs that it names. */
export class Operator implements AsyncDisposable {
  readonly folder: string;

  private constructor(folder: string) {
    this.folder = folder;
  }

  /** `programs`: what the page calls them, and the shell command that each stands for. */
  static async at(programs: Readonly<Record<string, string>> = {}): Promise<Operator> {
    const folder = await mkdtemp(join(tmpdir(), "scb-operator-"));
    await mkdir(join(folder, "bin"));
    const ours = { "scb-mirror": `exec '${process.execPath}' '${cliPath}' "$@"`, ...programs };
    for (const [name, command] of Object.entries(ours)) {
      const path = join(folder, "bin", name);
      await writeFile(path, `#!/bin/sh\n${command}\n`);
      await chmod(path, 0o755);
    }
    return new Operator(folder);
  }

  /** Types the commands, one after the other; the first that fails is an error. Returns what they printed. */
  type(commands: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
    const path = [join(this.folder, "bin"), process.env["PATH"]].join(delimiter);
    return runCommand("bash", ["-euo", "pipefail", "-c", commands], {
      cwd: this.folder,
      env: { ...process.env, AWS_EC2_METADATA_DISABLED: "true", ...env, PATH: path },
      timeoutMs: 10 * 60_000,
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.folder, { recursive: true, force: true });
  }
}

/** Words as a shell takes them, for a program of an operator's. */
export function shellCommand(words: readonly string[], rest = '"$@"'): string {
  return `exec ${words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ")} ${rest}`;
}
