import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { fakeMacaroon, tlsFile } from "../node/fake-lnd.ts";
import { runCommand } from "../peers/run-command.ts";
import { cliPath, runCli, startRun } from "../support/cli.ts";
import { type HungDisk, mountHungDisk } from "../support/hung-disk.ts";
import { skipWithoutRoot } from "../support/skip-without-root.ts";

const env = { AWS_ACCESS_KEY_ID: "x", AWS_SECRET_ACCESS_KEY: "y", AWS_REGION: "us-east-1" };

describe("what hangs", () => {
  let folder: string;
  let server: Server;
  let silent: string;
  const sockets = new Set<Socket>();
  let disk: HungDisk | null;
  let onDisk: readonly string[];
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), "scb-hung-"));
    server = createServer((socket) => {
      sockets.add(socket);
      socket.on("error", () => undefined).resume();
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    silent = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    const mounted = join(folder, "mounted");
    await mkdir(mounted);
    disk = mountHungDisk(mounted);
    onDisk = ["--to", pathToFileURL(join(mounted, "store")).href, "--node", "alice"];
  });
  after(async () => {
    for (const socket of sockets) socket.destroy();
    server.close();
    await disk?.release();
    await rm(folder, { recursive: true, force: true });
  });

  const silentS3 = (): string[] => [
    ...["--to", `s3://bucket?endpoint=http://${silent}`, "--node", "alice"],
  ];

  /** Runs a command, and sends it a signal twice. Gives its code and how long the second one took. */
  const signalledTwice = async (
    args: readonly string[],
    signal: NodeJS.Signals,
  ): Promise<{ readonly code: number | null; readonly elapsedMs: number }> => {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, [cliPath, ...args], {
      env: { PATH, HOME, ...env },
      stdio: "ignore",
    });
    const ended = once(child, "exit");
    await delay(4_000);
    child.kill(signal);
    await delay(300);
    const startedMs = performance.now();
    child.kill(signal);
    const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(killer);
    return { code: child.exitCode, elapsedMs: performance.now() - startedMs };
  };

  it("a disk: status ends in time, and isn't 0", { timeout: 60_000 }, async (t) => {
    if (disk === null) return skipWithoutRoot(t);
    const startedMs = performance.now();
    const { code, stdout, stderr } = await runCli(["status", "--timeout", "2s", ...onDisk]);
    assert.equal(code, 1);
    assert.equal(stdout, "");
    assert.match(stderr, /didn't answer everything in time \(--timeout is 2 s\)/);
    assert.ok(performance.now() - startedMs < 15_000);
  });

  it("an S3 service: status ends in time, and isn't 0", { timeout: 60_000 }, async () => {
    const args = ["status", "--timeout", "2s", "--request-timeout", "50s", ...silentS3()];
    const startedMs = performance.now();
    const { code, stderr } = await runCli(args, { env });
    assert.equal(code, 1);
    assert.match(stderr, /in time \(--timeout is 2 s\)/);
    assert.ok(performance.now() - startedMs < 15_000);
  });

  it("lnd: status ends in time, and isn't 0", { timeout: 60_000 }, async () => {
    const macaroon = join(folder, "macaroon");
    await writeFile(macaroon, fakeMacaroon);
    const store = join(folder, "store");
    await mkdir(store);
    const { code } = await runCli([
      ...["status", "--timeout", "2s", "--to", pathToFileURL(store).href, "--node", "alice"],
      ...["--from", "lnd", "--rpcserver", silent, "--macaroonpath", macaroon],
      ...["--tlscertpath", tlsFile("fake-lnd.cert.pem")],
    ]);
    assert.notEqual(code, 0);
  });

  for (const signal of ["SIGINT", "SIGTERM"] as const) {
    it(`a second ${signal} ends any command at once`, { timeout: 240_000 }, async (t) => {
      const pipe = join(folder, `pipe-${signal}`);
      await runCommand("mkfifo", [pipe], { timeoutMs: 10_000 });
      const cases: (readonly string[])[] = [
        ["run", "--from", "demo", "--request-timeout", "50s", ...silentS3()],
        ["verify", "--request-timeout", "50s", ...silentS3()],
        ["status", "--key-file", pipe, ...silentS3()],
      ];
      if (disk === null) t.diagnostic("without a hung disk: this user may not mount FUSE");
      else {
        cases.push(["run", "--from", "demo", ...onDisk], ["status", ...onDisk]);
        cases.push(["restore", "-o", join(folder, "out"), ...onDisk], ["list", ...onDisk]);
        cases.push(["prune", "--keep-last", "1", ...onDisk]);
      }
      await Promise.all(
        cases.map(async (args) => {
          const { code, elapsedMs } = await signalledTwice(args, signal);
          // Some end with the first.
          assert.ok(code === 1 || (args[0] === "run" && code === 0), `${args[0]}: ${code}`);
          assert.ok(elapsedMs < 5_000, `${args[0]} took ${elapsedMs} ms`);
        }),
      );
    });
  }

  it("run says that it waits, for what and since when", { timeout: 120_000 }, async () => {
    const args = ["--from", "demo", "--request-timeout", "90s", ...silentS3()];
    await using running = startRun(args, { env });
    const startedMs = Date.now();
    const { at, ...event } = await running.event("waiting", { timeoutMs: 60_000 });
    assert.ok(Date.parse(at) - startedMs >= 25_000);
    assert.equal(event["for"], "s3://bucket");
    assert.ok(Math.abs(Date.parse(String(event["since"])) - startedMs) < 10_000);
    assert.match(running.stderr, /waiting for s3:\/\/bucket.* since \d{4}-/);
  });
});
