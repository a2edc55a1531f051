import assert from "node:assert/strict";
import { copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, it } from "node:test";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import { provisionHelm } from "../peers/helm.ts";
import { waitFor } from "../peers/wait-for.ts";
import { RenderedChart } from "./chart.ts";
import type { ContainerGround, RunningContainer } from "./container-ground.ts";
import { root } from "./deployment.ts";
import { Operator, shellCommand } from "./operator.ts";
import { deployCommands, deployValues } from "./page-commands.ts";
import { podForDocker, type Secrets } from "./pod-run.ts";

const bucket = "my-bucket";
const secretSchema = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.base64()),
});

function readSecrets(text: string): Secrets {
  const secrets = parseAllDocuments(text).map((document) => secretSchema.parse(document.toJS()));
  return Object.fromEntries(
    secrets.map(({ metadata, data }) => [
      metadata.name,
      Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, "base64")]),
      ),
    ]),
  );
}

/**
 * The tests of a pod as docs/deploy.md makes it. The page's own commands are typed; where a cluster would
 * take what they make, it is printed, and Docker runs it as the kubelet would.
 */
export function podSuite(ground: () => ContainerGround): void {
  const made = new AsyncDisposableStack();
  let rendered: RenderedChart;
  let pod: RunningContainer;

  before(async () => {
    const { image, lnd, minio, minioEndpoint, rpcserver } = ground();
    const folder = await mkdtemp(join(tmpdir(), "scb-pod-"));
    made.defer(() => rm(folder, { recursive: true, force: true }));
    await minio.createBucket(bucket, { versioning: true });
    const helm = await provisionHelm();
    const operator = made.use(
      await Operator.at({
        lncli: shellCommand(lnd.lncliCommand),
        kubectl: `echo --- && exec /usr/bin/env -u KUBECONFIG PATH="\${PATH#*:}" kubectl "$@" --dry-run=client -o yaml`,
        helm: `shift && ${shellCommand([helm.path, "template"])}`,
      }),
    );
    const credentials = [
      "[default]",
      `aws_access_key_id = ${minio.accessKeyId}`,
      `aws_secret_access_key = ${minio.secretAccessKey}`,
    ];
    await writeFile(join(operator.folder, "credentials"), credentials.join("\n"));
    await operator.type(deployCommands("The macaroon"));
    await copyFile(lnd.tlsCertPath, join(operator.folder, "tls.cert"));

    const own = { "$HOME/.lnd/tls.cert": lnd.tlsCertPath };
    const secrets = readSecrets(await operator.type(deployCommands("Kubernetes", 0, own)));
    const [repository = "", tag = ""] = image.name.split(":");
    const values = deployValues({
      "registry.example/scb-mirror": `${repository}\n  tag: ${tag}`,
      "?region=eu-central-1": `?region=us-east-1&endpoint=${minioEndpoint}`,
      "lnd.bitcoin.svc:10009": `${rpcserver}\n  network: simnet\n  look-interval: 1s\n  request-timeout: 1s`,
    });
    await writeFile(join(operator.folder, "values.yaml"), values);
    const chart = { "./infra/helm": `${root}infra/helm` };
    rendered = new RenderedChart(await operator.type(deployCommands("Kubernetes", 1, chart)));
    pod = made.use(await ground().run(await podForDocker(rendered, secrets, folder)));
  });

  after(() => made.disposeAsync());

  /** As the kubelet asks: by the pod's address. */
  const probe = async (path: string): Promise<number> => {
    const port = rendered.pod.containers[0].ports[0]?.containerPort;
    const answer = await fetch(`http://${pod.address}:${port}${path}`);
    await answer.body?.cancel();
    return answer.status;
  };

  it("saves a first backup of a real lnd in a real MinIO", async () => {
    await pod.firstBackup();
    assert.match(await pod.exec("node", "/app/cli.js", "status"), /healthy/);
  });

  it("answers its probes, and Prometheus", async () => {
    const [{ startupProbe, livenessProbe, readinessProbe }] = rendered.pod.containers;
    for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
      assert.equal(await probe(httpGet.path), 200);
    }
    assert.equal(await probe("/metrics"), 200);
  });

  it("answers them while the node isn't safe, so it is neither restarted nor hidden", async () => {
    const { minio } = ground();
    await minio.stop();
    try {
      const unready = async (): Promise<true | undefined> =>
        (await probe("/readyz")) === 503 ? true : undefined;
      await waitFor("a verdict that isn't safe", unready, { timeoutMs: 60_000 });
      const [{ livenessProbe, readinessProbe }] = rendered.pod.containers;
      assert.equal(await probe(livenessProbe.httpGet.path), 200);
      assert.equal(await probe(readinessProbe.httpGet.path), 200);
    } finally {
      await minio.restart();
    }
  });

  it("ends as it should when it is told to", async () => {
    assert.equal(await pod.stop(), 0);
  });
}
