import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { z } from "zod";
import type { Helm } from "../peers/helm.ts";
import { root } from "./deployment.ts";

export const chartFolder = `${root}infra/helm/scb-mirror`;

const envSchema = z.object({
  name: z.string(),
  value: z.string().optional(),
  valueFrom: z.object({ secretKeyRef: z.object({ name: z.string(), key: z.string() }) }).optional(),
});
const probeSchema = z.object({
  httpGet: z.object({ path: z.string(), port: z.string() }),
  timeoutSeconds: z.number().optional(),
});
const containerSchema = z.object({
  image: z.string(),
  args: z.array(z.string()),
  env: z.array(envSchema),
  ports: z.array(z.object({ name: z.string(), containerPort: z.number() })),
  startupProbe: probeSchema,
  livenessProbe: probeSchema,
  readinessProbe: probeSchema,
  securityContext: z.object({
    allowPrivilegeEscalation: z.literal(false),
    readOnlyRootFilesystem: z.literal(true),
    capabilities: z.object({ drop: z.array(z.string()) }),
  }),
  resources: z.object({ limits: z.object({ memory: z.string() }) }),
  volumeMounts: z.array(
    z.object({ name: z.string(), mountPath: z.string(), readOnly: z.literal(true) }),
  ),
});
const itemsSchema = z.array(z.object({ key: z.string(), path: z.string() }));
const volumeSchema = z.object({
  name: z.string(),
  configMap: z.object({ name: z.string() }).optional(),
  projected: z
    .object({
      defaultMode: z.number(),
      sources: z.array(z.object({ secret: z.object({ name: z.string(), items: itemsSchema }) })),
    })
    .optional(),
});
const podSchema = z.object({
  serviceAccountName: z.string(),
  automountServiceAccountToken: z.literal(false),
  enableServiceLinks: z.literal(false),
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.object({
    runAsNonRoot: z.literal(true),
    runAsUser: z.number(),
    runAsGroup: z.number(),
    fsGroup: z.number(),
    seccompProfile: z.object({ type: z.literal("RuntimeDefault") }),
  }),
  containers: z.tuple([containerSchema]),
  volumes: z.array(volumeSchema),
});
const deploymentSchema = z.object({
  spec: z.object({
    replicas: z.literal(1),
    strategy: z.object({ type: z.string() }),
    selector: z.object({ matchLabels: z.record(z.string(), z.string()) }),
    template: z.object({
      metadata: z.object({
        labels: z.record(z.string(), z.string()),
        annotations: z.record(z.string(), z.string()),
      }),
      spec: podSchema,
    }),
  }),
});
const configMapSchema = z.object({
  metadata: z.object({ name: z.string() }),
  data: z.record(z.string(), z.string()),
});

export type Pod = z.infer<typeof podSchema>;

/** What Helm makes of the chart, a manifest for each kind. */
export class RenderedChart {
  /** As `kubectl apply -f` takes it. */
  readonly text: string;
  readonly #manifests: ReadonlyMap<string, unknown>;

  /** `text` is what `helm template` prints. */
  constructor(text: string) {
    this.text = text;
    const manifests = parseAllDocuments(text).map((document): unknown => {
      if (document.errors.length > 0) throw document.errors[0];
      return document.toJS();
    });
    this.#manifests = new Map(
      manifests.map((manifest) => [z.object({ kind: z.string() }).parse(manifest).kind, manifest]),
    );
  }

  static async render(helm: Helm, values: object): Promise<RenderedChart> {
    const folder = await mkdtemp(join(tmpdir(), "scb-values-"));
    try {
      const file = join(folder, "values.json");
      await writeFile(file, JSON.stringify(values));
      const args = ["template", "test", chartFolder, "--namespace", "lightning", "--values", file];
      return new RenderedChart(await helm.run(...args));
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  }

  get kinds(): readonly string[] {
    return [...this.#manifests.keys()].sort();
  }

  manifest<T>(kind: string, schema: z.ZodType<T>): T {
    return schema.parse(this.#manifests.get(kind));
  }

  get deployment(): z.infer<typeof deploymentSchema>["spec"] {
    return this.manifest("Deployment", deploymentSchema).spec;
  }

  get pod(): Pod {
    return this.deployment.template.spec;
  }

  get settings(): z.infer<typeof configMapSchema> {
    return this.manifest("ConfigMap", configMapSchema);
  }
}
