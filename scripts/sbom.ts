/** A software bill of materials of a bundle, in CycloneDX's JSON, made with npm's own generator. */
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { packageFolders } from "./licenses.ts";

interface Bom {
  serialNumber?: string;
  readonly metadata: { timestamp?: string; readonly component: { name: string } };
  components: { readonly "bom-ref": string }[];
  dependencies: { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/**
 * Names each package that `modules` (file paths) belong to, with version, licence and the hash that
 * `package-lock.json` pins. Equal sources give equal text: it has no time and no serial number.
 */
export function billOfMaterials(root: string, name: string, modules: readonly string[]): string {
  // Includes development dependencies: without them npm would omit packages that they share with the bundle.
  const args = ["--sbom-format=cyclonedx", "--sbom-type=application"];
  const npm = spawnSync("npm", ["sbom", "--package-lock-only", "--offline", ...args], {
    cwd: root,
    encoding: "utf8",
    shell: process.platform === "win32",
  });
  if (npm.status !== 0) throw new Error(`npm sbom failed: ${npm.stderr || npm.error?.message}`);
  const bom: Bom = JSON.parse(npm.stdout);
  const self = `${name}@`;
  const bundled = new Set([...packageFolders(modules).keys()].map(nameAndVersion));
  const isIn = (ref: string): boolean => bundled.has(ref) || ref.startsWith(self);
  const missing = [...bundled].filter((ref) =>
    bom.components.every((component) => component["bom-ref"] !== ref),
  );
  if (missing.length > 0) throw new Error(`package-lock.json lacks ${missing.join(", ")}`);
  delete bom.serialNumber;
  delete bom.metadata.timestamp;
  // npm names it after the folder of the checkout.
  bom.metadata.component.name = name;
  bom.components = bom.components.filter((component) => isIn(component["bom-ref"]));
  bom.dependencies = bom.dependencies
    .filter(({ ref }) => isIn(ref))
    .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter(isIn) }));
  return `${JSON.stringify(bom, null, 2)}\n`;
}

function nameAndVersion(folder: string): string {
  const { name, version } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"));
  return `${name}@${version}`;
}
