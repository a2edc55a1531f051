import { join } from "node:path";
import { buildWithGo } from "./go-build.ts";
import { cached, type Progress, toStderr } from "./peer-cache.ts";
import { pipInstall, pythonVersion } from "./pip-install.ts";
import { runCommand } from "./run-command.ts";

/** Its versions are those of Kubernetes: it brings the schemas of 1.25 to this one. */
const validateVersion = "1.37.0";
const timeoutMs = 120_000;

/** Helm, and what checks the manifests that it renders. */
export interface Helm {
  readonly path: string;
  /** Runs `helm`, and returns what it printed. */
  run(...args: readonly string[]): Promise<string>;
  /** Throws unless each manifest in the file is one of this Kubernetes, with no field that it doesn't know. */
  validate(file: string, kubernetes: "1.25" | "1.37"): Promise<void>;
}

/** Builds and installs what isn't cached. Throws PeerUnavailable. */
export async function provisionHelm(progress: Progress = toStderr): Promise<Helm> {
  const helm = join(await buildWithGo("helm", progress), "helm");
  const folder = await cached(
    {
      key: `kubernetes-validate-${validateVersion}-python${await pythonVersion("kubernetes-validate")}`,
      title: "Kubernetes's schemas (seconds)",
      build: (into) => pipInstall(into, [`kubernetes-validate==${validateVersion}`]),
    },
    progress,
  );
  return {
    path: helm,
    run: (...args) => runCommand(helm, args, { timeoutMs }),
    async validate(file, kubernetes) {
      const flags = ["--strict", "--kubernetes-version", kubernetes, "--quiet"];
      await runCommand("python3", ["-m", "kubernetes_validate", ...flags, file], {
        env: { ...process.env, PYTHONPATH: folder },
        timeoutMs,
      });
    },
  };
}
