import { chmod, chown, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { RenderedChart } from "./chart.ts";

/** Secrets by name, and their values by key. */
export type Secrets = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

/**
 * Does with a rendered pod what the kubelet does, as far as Docker can: writes its volumes into `folder`,
 * and returns what `docker run` takes to run its container under the pod's restrictions. Throws for a
 * Secret that isn't there, where a pod would not start.
 */
export async function podForDocker(
  { pod, settings }: RenderedChart,
  secrets: Secrets,
  folder: string,
): Promise<readonly string[]> {
  const [container] = pod.containers;
  const { runAsUser, runAsGroup, fsGroup } = pod.securityContext;
  const secretValue = (name: string, key: string): string | Uint8Array => {
    const value = secrets[name]?.[key];
    if (value === undefined) throw new Error(`no key ${key} in the Secret ${name}`);
    return value;
  };
  const put = async (path: string, value: string | Uint8Array, mode: number): Promise<void> => {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, value);
    // Only root can give a file to the pod's group; elsewhere everybody may read it.
    const isRoot = process.getuid?.() === 0;
    if (isRoot) await chown(path, 0, fsGroup);
    await chmod(path, isRoot ? mode : mode | 0o444);
  };

  for (const { name, configMap, projected } of pod.volumes) {
    if (configMap?.name === settings.metadata.name) {
      for (const [key, text] of Object.entries(settings.data)) {
        await put(join(folder, name, key), text, 0o644);
      }
    }
    for (const { secret } of projected?.sources ?? []) {
      for (const { key, path } of secret.items) {
        await put(
          join(folder, name, path),
          secretValue(secret.name, key),
          projected?.defaultMode ?? 0,
        );
      }
    }
  }
  const env = container.env.map(({ name, value, valueFrom }) => {
    const reference = valueFrom?.secretKeyRef;
    const text = reference === undefined ? value : secretValue(reference.name, reference.key);
    return `${name}=${text?.toString() ?? ""}`;
  });
  return [
    ...["--user", `${runAsUser}:${runAsGroup}`, "--group-add", String(fsGroup)],
    ...(container.securityContext.readOnlyRootFilesystem ? ["--read-only"] : []),
    ...container.securityContext.capabilities.drop.flatMap((name) => ["--cap-drop", name]),
    ...["--security-opt", "no-new-privileges"],
    ...["--memory", container.resources.limits.memory.replace("Mi", "m")],
    ...container.volumeMounts.flatMap(({ name, mountPath }) => [
      "--volume",
      `${join(folder, name)}:${mountPath}:ro`,
    ]),
    ...env.flatMap((each) => ["--env", each]),
    container.image,
    ...container.args,
  ];
}
