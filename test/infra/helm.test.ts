import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { parse } from "yaml";
import { z } from "zod";
import { type SettingName, settingTable } from "../../src/app/settings/table.ts";
import { loadSettings } from "../../src/app/settings.ts";
import { programVersion } from "../../src/runtime/version.ts";
import { type Helm, provisionHelm } from "../peers/helm.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { chartFolder, RenderedChart } from "./chart.ts";
import { root } from "./deployment.ts";

const least = {
  image: { repository: "registry.example/scb-mirror" },
  settings: { to: "s3://bucket/lightning?region=eu-central-1", rpcserver: "lnd.bitcoin:10011" },
  lnd: { secretName: "lnd" },
};
const all = {
  ...least,
  image: { repository: "registry.example/scb-mirror", digest: `sha256:${"a".repeat(64)}` },
  settings: {
    ...least.settings,
    to: ["s3://bucket/lightning?region=eu-central-1", "gs://bucket", "abs://account@container"],
    require: 2,
    node: "0123",
    "notify-details": true,
  },
  secretSettings: {
    notify: { secretName: "alerts", key: "n" },
    heartbeat: { secretName: "alerts", key: "heartbeat" },
  },
  backupKey: { secretName: "backup-key" },
  storeCredentials: {
    aws: { secretName: "aws" },
    google: { secretName: "google" },
    azure: { secretName: "azure" },
  },
  serviceAccount: { annotations: { "eks.amazonaws.com/role-arn": "arn:aws:iam::1:role/scb" } },
  networkPolicy: {
    metricsFrom: [{ namespaceSelector: { matchLabels: { team: "monitoring" } } }],
    node: { to: [{ ipBlock: { cidr: "10.0.1.5/32" } }], ports: [10009] },
    store: { to: [{ ipBlock: { cidr: "10.0.2.0/24" } }], ports: [443, 9000] },
    dns: { to: [{ podSelector: { matchLabels: { "k8s-app": "kube-dns" } } }] },
    extraEgress: [{ ports: [{ protocol: "TCP", port: 465 }] }],
  },
  serviceMonitor: { enabled: true, labels: { release: "prometheus" } },
  prometheusRule: { enabled: true },
  podAnnotations: { a: "true" },
  podLabels: { "azure.workload.identity/use": "true" },
  nodeSelector: { "kubernetes.io/arch": "arm64" },
  tolerations: [{ key: "a", operator: "Exists" }],
  priorityClassName: "high",
  extraEnv: [{ name: "NODE_EXTRA_CA_CERTS", value: "/ca/ca.pem" }],
  extraVolumes: [{ name: "ca", configMap: { name: "ca" } }],
  extraVolumeMounts: [{ name: "ca", mountPath: "/ca", readOnly: true }],
};
const watch = { ...least, command: "watch", lnd: {} };

const policySchema = z.object({
  spec: z.object({
    policyTypes: z.array(z.string()),
    ingress: z.array(z.object({ from: z.array(z.unknown()), ports: z.array(z.unknown()) })),
    egress: z.array(
      z.object({
        to: z.array(z.unknown()).optional(),
        ports: z.array(z.object({ port: z.number() })),
      }),
    ),
  }),
});
const serviceSchema = z.object({
  metadata: z.object({ labels: z.record(z.string(), z.string()) }),
  spec: z.object({
    selector: z.record(z.string(), z.string()),
    ports: z.array(z.object({ name: z.string(), targetPort: z.string() })),
  }),
});
const monitorSchema = z.object({
  spec: z.strictObject({
    jobLabel: z.string(),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    endpoints: z.array(
      z.strictObject({ port: z.string(), path: z.string(), interval: z.string() }),
    ),
  }),
});

describe("infra/helm/scb-mirror", () => {
  it("has the program's version", () => {
    const chart: unknown = parse(readFileSync(join(chartFolder, "Chart.yaml"), "utf8"));
    const { version, appVersion } = z
      .object({ version: z.string(), appVersion: z.string() })
      .parse(chart);
    assert.deepEqual([version, appVersion], [programVersion, programVersion]);
  });
});

peerSuite("the Helm chart", ["helm"], () => {
  let helm: Helm;
  let folder: string;

  before(async () => {
    helm = await provisionHelm();
    folder = await mkdtemp(join(tmpdir(), "scb-chart-"));
  });
  after(() => rm(folder, { recursive: true, force: true }));

  const render = (values: object): Promise<RenderedChart> => RenderedChart.render(helm, values);
  const fileWith = async (text: string): Promise<string> => {
    const file = join(folder, "file.yaml");
    await writeFile(file, text);
    return file;
  };

  for (const [name, values] of Object.entries({ least, all, watch })) {
    it(`${name}: helm lint finds nothing`, async () => {
      const file = await fileWith(JSON.stringify(values));
      assert.match(await helm.run("lint", "--strict", chartFolder, "--values", file), /0 chart/);
    });

    for (const kubernetes of ["1.25", "1.37"] as const) {
      it(`${name}: Kubernetes ${kubernetes} knows every field`, async () => {
        await helm.validate(await fileWith((await render(values)).text), kubernetes);
      });
    }
  }

  it("the validation sees a field that there is not", async () => {
    const { text } = await render(least);
    const file = await fileWith(text.replace("readOnlyRootFilesystem", "readOnlyRoot"));
    await assert.rejects(helm.validate(file, "1.37"), /readOnlyRoot/);
  });

  describe("the pod", () => {
    it("may do nothing but run", async () => {
      const { pod } = await render(all);
      const [{ securityContext }] = pod.containers;
      assert.deepEqual(securityContext.capabilities.drop, ["ALL"]);
      assert.equal(pod.securityContext.runAsUser, 1000);
    });

    it("isn't restarted, or taken for not ready, because the node isn't safe", async () => {
      const [container] = (await render(least)).pod.containers;
      const { startupProbe, livenessProbe, readinessProbe } = container;
      for (const { httpGet } of [startupProbe, livenessProbe, readinessProbe]) {
        assert.deepEqual(httpGet, { path: "/healthz", port: "watched" });
      }
    });

    it("has time to finish a swap", async () => {
      const { terminationGracePeriodSeconds } = (await render(least)).pod;
      const neededMs = loadSettings({}, {})["shutdown-timeout"] + 10_000;
      assert.ok(terminationGracePeriodSeconds * 1000 >= neededMs);
    });

    for (const [type, settings] of [
      ["RollingUpdate", { to: "s3://bucket" }],
      ["RollingUpdate", { to: ["s3://bucket", "gs://bucket"] }],
      ["Recreate", { to: "s3://bucket", "single-writer": true }],
      ["Recreate", { to: ["s3://bucket", "file:///mnt/disk"] }],
      ["Recreate", { to: "rclone:remote:path" }],
    ] as const) {
      it(`is replaced by ${type} with ${JSON.stringify(settings)}`, async () => {
        const { strategy } = (await render({ ...least, settings })).deployment;
        assert.equal(strategy.type, type);
      });
    }

    it("is replaced when a setting changes", async () => {
      const sums = await Promise.all(
        [least, { ...least, settings: { to: "s3://other" } }].map(async (values) => {
          const { annotations } = (await render(values)).deployment.template.metadata;
          return annotations["checksum/settings"];
        }),
      );
      assert.notEqual(sums[0], sums[1]);
    });

    it("runs the image by its digest, else by the chart's version", async () => {
      const images = await Promise.all(
        [all, least].map(async (values) => (await render(values)).pod.containers[0].image),
      );
      assert.deepEqual(images, [
        `registry.example/scb-mirror@sha256:${"a".repeat(64)}`,
        `registry.example/scb-mirror:v${programVersion}`,
      ]);
    });
  });

  describe("what it sets", () => {
    /** The settings as the program in the pod takes them. */
    const settingsOf = async (values: object): Promise<ReturnType<typeof loadSettings>> => {
      const { pod, settings } = await render(values);
      const config = await fileWith(settings.data["scb-mirror.yaml"] ?? "");
      const env = pod.containers[0].env.map(({ name, value = "from a Secret" }) => [name, value]);
      const paths = { SCB_MIRROR_CONFIG: config };
      // Files are the kubelet's to make.
      const given = Object.entries(Object.fromEntries(env)).map(([name, value]) =>
        name.endsWith("_FILE") && name !== "SCB_MIRROR_KEY_FILE"
          ? [name.replace(/_FILE$/, ""), "https://example.org/"]
          : [name, value],
      );
      return loadSettings({}, { ...Object.fromEntries(given), ...paths });
    };

    it("the program takes, as it was written", async () => {
      const settings = await settingsOf(all);
      assert.equal(settings.to?.length, 3);
      assert.equal(settings.node, "0123");
      assert.equal(settings["key-file"], "/secrets/backup-key");
      assert.equal(settings.macaroonpath, "/secrets/scb.macaroon");
      assert.equal(settings.listen?.port, 9847);
      assert.equal((await settingsOf(watch)).macaroonpath, undefined);
    });

    it("each file that a variable names is in the volume, under its key in the Secret", async () => {
      const { pod } = await render(all);
      const [{ env, volumeMounts }] = pod.containers;
      const volume = pod.volumes.find(({ name }) => name === "secrets")?.projected;
      const files = volume?.sources.flatMap(({ secret }) =>
        secret.items.map(({ key, path }) => [`/secrets/${path}`, `${secret.name}: ${key}`]),
      );
      const named = env.flatMap(({ value }) => (value?.startsWith("/secrets/") ? value : []));
      assert.deepEqual(files?.map(([path]) => path).sort(), named.sort());
      assert.equal(Object.fromEntries(files ?? [])["/secrets/notify"], "alerts: n");
      assert.equal(volume?.defaultMode, 0o440);
      assert.ok(volumeMounts.some(({ mountPath }) => mountPath === "/secrets"));
    });

    it("lnd's certificate may come from a public authority", async () => {
      const values = { ...least, lnd: { secretName: "lnd", tlsCertKey: "" } };
      const { pod } = await render(values);
      const tls = pod.containers[0].env.find(({ name }) => name === "SCB_MIRROR_TLSCERTPATH");
      assert.equal(tls?.value, "system");
      assert.doesNotMatch(JSON.stringify(pod.volumes), /tls\.cert/);
    });
  });

  describe("values that would not do", () => {
    const secrets = Object.entries(settingTable).flatMap(([name, option]) =>
      "isSecret" in option && option.isSecret ? [name as SettingName] : [],
    );
    for (const name of [...secrets, "listen", "config", "key-file"]) {
      it(`settings.${name} is refused`, async () => {
        const settings = { ...least.settings, [name]: "value" };
        await assert.rejects(render({ ...least, settings }), new RegExp(name));
      });
    }

    for (const [what, values, message] of [
      ["no store", { ...least, settings: {} }, /settings\.to: say which store/],
      ["no image", { ...least, image: {} }, /image\.repository/],
      ["no macaroon", { ...least, lnd: {} }, /lnd\.secretName: name the Secret/],
      ["a name that is misspelt", { ...least, setings: {} }, /setings/],
      [
        "a Prometheus that the policy keeps out",
        { ...least, serviceMonitor: { enabled: true } },
        /networkPolicy\.metricsFrom/,
      ],
      ["a digest that is none", { ...least, image: { repository: "x", digest: "v1" } }, /digest/],
    ] as const) {
      it(`${what} is refused`, () => assert.rejects(render(values), message));
    }
  });

  describe("the NetworkPolicy", () => {
    const policyOf = async (values: object): Promise<z.infer<typeof policySchema>["spec"]> =>
      (await render(values)).manifest("NetworkPolicy", policySchema).spec;
    const portsOf = ({ egress }: z.infer<typeof policySchema>["spec"]): readonly number[] =>
      egress.flatMap(({ ports }) => ports.map(({ port }) => port));

    it("lets nobody in, and out to DNS, lnd and the store", async () => {
      const policy = await policyOf(least);
      assert.deepEqual(policy.policyTypes, ["Ingress", "Egress"]);
      assert.deepEqual(policy.ingress, []);
      assert.deepEqual(portsOf(policy), [53, 53, 10_011, 443]);
    });

    it("takes lnd's port where the settings say none", async () => {
      for (const rpcserver of ["10.0.1.5", "[fd00::1]", "lnd"]) {
        const settings = { ...least.settings, rpcserver };
        assert.ok(portsOf(await policyOf({ ...least, settings })).includes(10_009), rpcserver);
      }
    });

    it("is as narrow as one says", async () => {
      const { ingress, egress } = await policyOf(all);
      assert.deepEqual(ingress[0]?.from, all.networkPolicy.metricsFrom);
      const { dns, node, store } = all.networkPolicy;
      assert.deepEqual(
        egress.map(({ to }) => to),
        [dns.to, node.to, store.to, undefined],
      );
    });

    it("a watch has no way to lnd", async () => {
      assert.deepEqual(portsOf(await policyOf(watch)), [53, 53, 443]);
    });
  });

  describe("for Prometheus", () => {
    it("the ServiceMonitor finds the Service, under the job that the rules expect", async () => {
      const rendered = await render(all);
      const { jobLabel, selector, endpoints } = rendered.manifest(
        "ServiceMonitor",
        monitorSchema,
      ).spec;
      const service = rendered.manifest("Service", serviceSchema);
      for (const [label, value] of Object.entries(selector.matchLabels)) {
        assert.equal(service.metadata.labels[label], value);
      }
      assert.equal(service.metadata.labels[jobLabel], "scb-mirror");
      assert.deepEqual(
        endpoints.map(({ port, path }) => [port, path]),
        [["watched", "/metrics"]],
      );
      assert.deepEqual(
        service.spec.ports.map(({ name, targetPort }) => [name, targetPort]),
        [["watched", rendered.pod.containers[0].ports[0]?.name]],
      );
      assert.deepEqual(service.spec.selector, rendered.deployment.selector.matchLabels);
    });

    it("the PrometheusRule has the rules of infra/prometheus", async () => {
      const { spec } = (await render(all)).manifest("PrometheusRule", z.object({ spec: z.json() }));
      const rules = readFileSync(`${root}infra/prometheus/scb-mirror.rules.yml`, "utf8");
      assert.deepEqual(spec, parse(rules));
    });
  });

  it("is packaged whole: what a registry serves renders the same", async () => {
    await helm.run("package", chartFolder, "--destination", folder);
    const name = (await readdir(folder)).find((file) => file.endsWith(".tgz")) ?? "";
    const values = await fileWith(JSON.stringify(all));
    const args = ["template", "test", join(folder, name), "--namespace", "lightning"];
    assert.equal(await helm.run(...args, "--values", values), (await render(all)).text);
  });
});
