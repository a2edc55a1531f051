import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { z } from "zod";
import { cliPath } from "../support/cli.ts";

const bomSchema = z.strictObject({
  $schema: z.string(),
  bomFormat: z.literal("CycloneDX"),
  specVersion: z.string(),
  version: z.literal(1),
  metadata: z.looseObject({
    component: z.looseObject({ name: z.literal("scb-mirror"), "bom-ref": z.string() }),
  }),
  components: z.array(
    z.looseObject({
      "bom-ref": z.string(),
      name: z.string(),
      version: z.string(),
      purl: z.string().startsWith("pkg:npm/"),
      hashes: z.array(z.object({ alg: z.literal("SHA-512"), content: z.hex() })).length(1),
      licenses: z.array(z.unknown()).min(1),
    }),
  ),
  dependencies: z.array(z.object({ ref: z.string(), dependsOn: z.array(z.string()) })),
});

describe("the bill of materials of the build", () => {
  const dist = dirname(cliPath);
  const text = readFileSync(join(dist, "sbom.cdx.json"), "utf8");
  const bom = bomSchema.parse(JSON.parse(text));

  it("names what is in the bundle, and nothing else", () => {
    const licences = readFileSync(join(dist, "THIRD-PARTY-LICENSES.txt"), "utf8");
    const licensed = [...licences.matchAll(/^((?:@[\w.-]+\/)?[\w.-]+) (\d+\.\d+\.\d+\S*)$/gm)];
    const named = bom.components.map(({ name, version }) => `${name} ${version}`);
    assert.deepEqual([...new Set(licensed.map(([line]) => line))].sort(), named.sort());
    assert.ok(named.length > 30);
  });

  it("names the bytes that package-lock.json pins", () => {
    const lockPath = fileURLToPath(new URL("../../package-lock.json", import.meta.url));
    const { packages } = z
      .object({
        packages: z.record(z.string(), z.looseObject({ integrity: z.string().optional() })),
      })
      .parse(JSON.parse(readFileSync(lockPath, "utf8")));
    const pinned = Object.values(packages).map(({ integrity = "" }) => integrity);
    for (const { name, hashes } of bom.components) {
      const [hash] = hashes;
      const integrity = `sha512-${Buffer.from(hash?.content ?? "", "hex").toString("base64")}`;
      assert.ok(pinned.includes(integrity), name);
    }
  });

  it("is one graph, and the same for the same sources", () => {
    const refs = new Set([
      bom.metadata.component["bom-ref"],
      ...bom.components.map((component) => component["bom-ref"]),
    ]);
    for (const { ref, dependsOn } of bom.dependencies) {
      for (const each of [ref, ...dependsOn]) assert.ok(refs.has(each), each);
    }
    assert.doesNotMatch(text, /timestamp|serialNumber/);
  });
});
