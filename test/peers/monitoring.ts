import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { startChild } from "./child.ts";
import { freePort } from "./free-port.ts";
import { installDebian } from "./install-debian.ts";
import { type Progress, toStderr } from "./peer-cache.ts";
import { inCi, PeerUnavailable } from "./peer-unavailable.ts";
import { waitFor } from "./wait-for.ts";

const programs = ["/usr/bin/prometheus", "/usr/bin/promtool", "/usr/bin/amtool"] as const;

/**
 * Makes sure that Prometheus and its configuration tools are there. Installs Debian's if
 * `install` is true, which by default only CI sets. Throws PeerUnavailable.
 */
export async function provisionPrometheus(
  progress: Progress = toStderr,
  { install = inCi() }: { readonly install?: boolean } = {},
): Promise<void> {
  if (programs.every((program) => existsSync(program))) return;
  const canInstall = process.getuid?.() === 0 && existsSync("/usr/bin/apt-get");
  if (!install || !canInstall) {
    throw new PeerUnavailable(
      `prometheus, promtool or amtool is missing. Install them, or let "npm run peers -- prometheus" install Debian's`,
    );
  }
  progress("prometheus: installing Debian's prometheus and prometheus-alertmanager");
  await installDebian(["prometheus", "prometheus-alertmanager"]);
}

/** A real Prometheus on 127.0.0.1. */
export interface PrometheusServer extends AsyncDisposable {
  /** The alerts that fire now, by name, each once. */
  firing(): Promise<readonly string[]>;
  /** The values of an instant query. */
  query(expr: string): Promise<readonly number[]>;
}

const alertsSchema = z.object({
  data: z.object({
    alerts: z.array(z.object({ state: z.string(), labels: z.object({ alertname: z.string() }) })),
  }),
});
const valuesSchema = z.object({
  data: z.object({ result: z.array(z.object({ value: z.tuple([z.number(), z.string()]) })) }),
});

/** Starts it with a configuration and files beside that, by their names; returns when it answers. */
export async function startPrometheus(
  config: string,
  files: Readonly<Record<string, string>>,
): Promise<PrometheusServer> {
  await provisionPrometheus();
  const folder = await mkdtemp(join(tmpdir(), "scb-prometheus-"));
  for (const [name, text] of Object.entries({ ...files, "prometheus.yml": config })) {
    await writeFile(join(folder, name), text);
  }
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const child = await startChild(
    "prometheus",
    programs[0],
    [
      `--config.file=${join(folder, "prometheus.yml")}`,
      `--storage.tsdb.path=${join(folder, "data")}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { logPath: join(folder, "log") },
  );
  const ready = async (): Promise<true | undefined> =>
    (await fetch(`${url}/-/ready`)).ok ? true : undefined;
  await waitFor(`Prometheus on ${url}`, ready, {
    timeoutMs: 60_000,
    details: child.logTail,
    hopeless: child.ended,
  });
  return {
    async firing() {
      const { data } = alertsSchema.parse(await (await fetch(`${url}/api/v1/alerts`)).json());
      const firing = data.alerts.filter(({ state }) => state === "firing");
      return [...new Set(firing.map(({ labels }) => labels.alertname))].sort();
    },
    async query(expr) {
      const answer = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(expr)}`);
      const { data } = valuesSchema.parse(await answer.json());
      return data.result.map(({ value }) => Number(value[1]));
    },
    async [Symbol.asyncDispose]() {
      await child.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
