import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { startChild } from "./child.ts";
import { waitFor } from "./wait-for.ts";

describe("a server that a test starts", () => {
  let folder: string;
  let logPath: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-child-"));
    logPath = join(folder, "log");
  });
  after(() => rm(folder, { recursive: true, force: true }));

  it("says how it ended, and what it said", async () => {
    const child = await startChild("talker", "/bin/sh", ["-c", "echo one; echo two >&2; exit 3"], {
      logPath,
    });
    await child.waitForEnd(10_000);
    assert.equal(child.ended(), "talker ended with code 3");
    assert.match(child.logTail(), /one\ntwo/);
  });

  it("is killed when it doesn't stop", async () => {
    const script = 'trap "" TERM; echo ready; while :; do sleep 0.1; done';
    const child = await startChild("stubborn", "/bin/sh", ["-c", script], {
      logPath: join(folder, "stubborn"),
    });
    await waitFor("the trap", () => (child.logTail().includes("ready") ? true : undefined), {
      timeoutMs: 10_000,
    });
    await child.stop("SIGTERM", 200);
    assert.equal(child.ended(), "stubborn ended with SIGKILL");
    await child.stop();
  });

  it("that can't be started is an error that names it", async () => {
    const missing = join(folder, "missing");
    const child = startChild("nothing", missing, [], { logPath });
    // With setpriv in between it is setpriv that ends; without, there is no process at all.
    const said = await child.then(
      async (started) => {
        await started.waitForEnd(10_000);
        return `${started.ended()} ${started.logTail()}`;
      },
      (error: unknown) => String(error),
    );
    assert.match(said, /nothing (ended|could not be started)/);
    assert.ok(said.includes(missing));
  });

  for (const how of ["exits", "is killed"] as const) {
    const skip = how === "is killed" && process.platform !== "linux" ? "only on Linux" : false;
    it(`doesn't outlive a test process that ${how}`, { skip }, async () => {
      const script = `
        import { startChild } from ${JSON.stringify(import.meta.resolve("./child.ts"))};
        const child = await startChild("sleeper", "/bin/sleep", ["300"], { logPath: "/dev/null" });
        process.stdout.write(String(child.pid));
        ${how === "exits" ? "process.exit(0)" : "setInterval(() => undefined, 1_000)"};
      `;
      const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      const [output] = await once(parent.stdout, "data");
      const pid = Number(output);
      if (how === "is killed") parent.kill("SIGKILL");
      await waitFor("the child's end", () => (isAlive(pid) ? undefined : true), {
        timeoutMs: 10_000,
      });
    });
  }
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  if (process.platform !== "linux") return true;
  // An orphan stays as a zombie where the machine's first process waits for nobody.
  return existsSync(`/proc/${pid}`) && !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, "utf8"));
}
