import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { z } from "zod";
import { until } from "../node/source-probe.ts";
import type { Fault } from "../peers/fault-proxy/fault.ts";
import type { FaultPlan } from "../peers/fault-proxy/fault-plan.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import type { RunningCli } from "../support/cli.ts";
import { FaultGround } from "../support/fault-ground.ts";

/** Strikes the first PUT to a path that matches; all others pass. */
function onceAt(path: RegExp, fault: Fault): FaultPlan {
  let isDue = true;
  return (request) => {
    if (!isDue || request.method !== "PUT" || !path.test(request.path)) return { kind: "pass" };
    isDue = false;
    return fault;
  };
}

const lineSchema = z.looseObject({
  level: z.enum(["debug", "info", "warn", "error"]),
  time: z.iso.datetime(),
  msg: z.string().min(1),
  operation: z.string().optional(),
  sequence: z.number().optional(),
});
type Line = z.infer<typeof lineSchema>;

peerSuite("the log of a run through lost answers and an outage", ["minio"], () => {
  let ground: FaultGround;
  let running: RunningCli;
  let log: readonly Line[];

  before(async () => {
    ground = await FaultGround.start("story");
    const { proxy } = ground;
    running = ground.run([
      "--from",
      "demo",
      "--demo-interval",
      "200ms",
      "--node",
      "demo",
      "--log-level",
      "info",
    ]);
    await swaps(2);
    for (const path of [/\/latest\.json$/, /\/versions\//]) {
      proxy.plan = onceAt(path, { kind: "lose-answer", how: "reset" });
      const before = proxy.exchanges.length;
      await until(
        "the answer to be lost",
        () => proxy.exchanges.slice(before).some(({ told }) => told === "reset"),
        30_000,
      );
      await swaps(1);
    }
    const seen = running.events.length;
    await proxy.breakOff("refused");
    await running.event("retrying", { after: seen });
    await proxy.restore();
    await running.event("recovered", { after: seen });
    await swaps(1);
    assert.equal(await running.end("SIGTERM"), 0, running.stderr);
    log = running.stderr
      .trim()
      .split("\n")
      .map((line) => lineSchema.parse(JSON.parse(line)));
  });
  after(() => ground?.[Symbol.asyncDispose]());

  async function swaps(count: number): Promise<void> {
    for (let more = 0; more < count; more += 1) {
      await running.event("swapped", { after: running.events.length });
    }
  }
  const saying = (msg: RegExp): readonly Line[] => log.filter((line) => msg.test(line.msg));

  it("names each swap: its operation, sequence, attempts, outcome, time", () => {
    const told = running.events.filter(({ event }) => event === "swapped");
    const logged = saying(/^backup saved$/);
    assert.equal(logged.length, told.length);
    for (const [index, event] of told.entries()) {
      const line = logged[index] ?? assert.fail("a line is missing");
      for (const fact of ["operation", "sequence", "sha256", "sizeBytes", "attempts"] as const) {
        assert.ok(event[fact] !== undefined);
        assert.equal(line[fact], event[fact], fact);
      }
      assert.equal(line["version"], event["key"]);
      assert.ok(typeof line["elapsedMs"] === "number" && line["elapsedMs"] > 0);
      assert.equal(line.sequence, index + 1, "no sequence is missing");
    }
  });

  it("says how each answer that was lost was made up for, and of which operation", () => {
    const saved = new Set(saying(/^backup saved$/).map(({ operation }) => operation));
    for (const msg of [
      /^the commit's answer was lost, but the pointer shows that it landed$/,
      /^the upload's answer was lost, but the version is there, whole$/,
    ]) {
      const lines = saying(msg);
      assert.ok(lines.length > 0, String(msg));
      for (const { operation, version } of lines) {
        assert.ok(saved.has(operation), "the operation is one that was saved then");
        assert.match(String(version), new RegExp(`-${operation}\\.backup$`));
      }
    }
  });

  it("tells of the trouble and of its end", () => {
    const start = log.findIndex(({ msg }) => msg.startsWith("trying again: "));
    assert.ok(start >= 0);
    assert.ok(log[start]?.level === "warn" && typeof log[start]["attempt"] === "number");
    assert.match(String(log[start]["code"]), /^store-(busy|unknown)$/);
    const end = log.findIndex(({ msg }, index) => index > start && msg === "recovered");
    assert.ok(end > start, "recovered comes after it");
    assert.deepEqual(
      [log[0]?.msg, log.at(-1)?.msg],
      ["started", "stopped"],
      "the story has a beginning and an end",
    );
  });

  it("holds no secret, and hides no fact that is none", () => {
    assert.ok(!running.stderr.includes(ground.minio.secretAccessKey));
    assert.ok(!/authorization|signature/i.test(running.stderr));
    assert.ok(!running.stderr.includes("[secret]"), running.stderr);
  });
});
