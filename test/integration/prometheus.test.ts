import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, it } from "node:test";
import { freePort } from "../peers/free-port.ts";
import { type MinioServer, startMinio } from "../peers/minio.ts";
import { type PrometheusServer, startPrometheus } from "../peers/monitoring.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { waitFor } from "../peers/wait-for.ts";
import { type RunningCli, startRun } from "../support/cli.ts";

const bucket = "scraped";
const shipped = new URL("../../infra/prometheus/", import.meta.url);

/** As they are shipped, with a second for each stretch of time. */
function quickRules(): string {
  const text = readFileSync(new URL("scb-mirror.rules.yml", shipped), "utf8");
  return text.replaceAll(/for: \d+[mh]/g, "for: 1s");
}

function quickConfig(port: number): string {
  const text = readFileSync(new URL("prometheus.yml", shipped), "utf8");
  return text
    .replaceAll(/_interval: 15s/g, "_interval: 1s")
    .replace(/^alerting:.*?(?=^\S)/ms, "")
    .replace("127.0.0.1:9847", `127.0.0.1:${port}`);
}

peerSuite("Prometheus, watching a mirror", ["minio", "prometheus"], () => {
  const made = new AsyncDisposableStack();
  let minio: MinioServer;
  let prometheus: PrometheusServer;
  let run: RunningCli;

  before(async () => {
    minio = made.use(await startMinio());
    await minio.createBucket(bucket);
    const port = await freePort();
    run = made.use(
      startRun(
        [
          ...["--from", "demo", "--demo-interval", "5s", "--to", `s3://${bucket}`],
          ...["--listen", String(port), "--look-interval", "1s", "--request-timeout", "2s"],
        ],
        { env: minio.env() },
      ),
    );
    await run.event(({ event, verdict }) => event === "verdict" && verdict === "safe");
    const files = { "scb-mirror.rules.yml": quickRules() };
    prometheus = made.use(await startPrometheus(quickConfig(port), files));
  });
  after(() => made.disposeAsync());

  async function until(
    what: string,
    isSo: (firing: readonly string[]) => boolean,
  ): Promise<readonly string[]> {
    let last: readonly string[] = [];
    return waitFor(
      what,
      async () => {
        last = await prometheus.firing();
        return isSo(last) ? last : undefined;
      },
      { timeoutMs: 90_000, everyMs: 250, details: () => `firing: ${last.join(", ")}` },
    );
  }

  it("sees it safe, and fires nothing", { timeout: 120_000 }, async () => {
    await waitFor(
      "a scrape",
      async () => ((await prometheus.query("scb_mirror_safe"))[0] === 1 ? true : undefined),
      { timeoutMs: 30_000 },
    );
    await until("no alert", (firing) => firing.length === 0);
    assert.deepEqual(await prometheus.query("up"), [1]);
    const [channels = 0] = await prometheus.query('scb_mirror_channels{state="covered"}');
    assert.ok(channels >= 3);
  });

  it("fires when the store is stopped, and a channel opens that it doesn't hold", {
    timeout: 180_000,
  }, async () => {
    await minio.stop();
    const expected = ["ScbMirrorUnsafe", "ScbMirrorChannelsMissing"];
    await until("alerts", (firing) => expected.every((alert) => firing.includes(alert)));
    assert.deepEqual(await prometheus.query("scb_mirror_safe"), [0]);
  });

  it("is quiet again once the store is back", { timeout: 180_000 }, async () => {
    await minio.restart();
    const over = ["ScbMirrorUnsafe", "ScbMirrorChannelsMissing", "ScbMirrorNotKnown"];
    await until("no alert", (firing) => !over.some((alert) => firing.includes(alert)));
  });

  it("fires when the mirror is killed", { timeout: 120_000 }, async () => {
    await run.end("SIGKILL");
    await until("the alert", (firing) => firing.includes("ScbMirrorDown"));
  });
});
