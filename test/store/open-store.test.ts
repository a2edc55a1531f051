import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { silentLogger } from "../../src/runtime/logger.ts";
import { openStore } from "../../src/store/open-store.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { encode, readText } from "../../src/testing/object-store-helpers.ts";

const run = promisify(execFile);
const openStorePath = join(import.meta.dirname, "../../src/store/open-store.ts");

/** The files that a process loads in which a store at `location` is opened. */
async function loadedFiles(location: string): Promise<string> {
  const program = `
    import { registerHooks } from "node:module";
    registerHooks({ resolve(name, context, next) {
      const resolved = next(name, context);
      console.log(resolved.url);
      return resolved;
    } });
    const { openStore } = await import(${JSON.stringify(pathToFileURL(openStorePath).href)});
    const store = await openStore(${JSON.stringify(parseLocation(location))}, { logger: console });
    await store.close();`;
  const { stdout } = await run(process.execPath, ["--input-type=module", "-e", program]);
  return stdout;
}

describe("openStore", () => {
  it("opens a folder that keeps what is put", async () => {
    const folder = await mkdtemp(join(tmpdir(), "scb-open-"));
    try {
      const location = parseLocation(pathToFileURL(join(folder, "a b")).href);
      const store = await openStore(location, { logger: silentLogger });
      await store.put("a", encode("x"));
      assert.equal(await readText(store, "a"), "x");
      assert.equal(store.location, pathToFileURL(join(folder, "a b")).href);
      await store.close();
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("opens a bucket without asking it anything", async () => {
    const location = parseLocation("s3://bucket/p?endpoint=http://127.0.0.1:9");
    const store = await openStore(location, { logger: silentLogger });
    assert.equal(store.location, "s3://bucket/p");
    await store.close();
  });

  const libraries = {
    aws: /@aws-sdk/,
    google: /google-auth-library/,
    azure: /@azure\/storage-blob/,
    // Only where there is neither a key nor a SAS.
    identity: /@azure\/identity/,
  };
  const kinds: readonly (readonly [location: string, loads: keyof typeof libraries | null])[] = [
    ["file:///nowhere/store", null],
    ["s3://bucket?endpoint=http://127.0.0.1:9", "aws"],
    ["gs://bucket?endpoint=http://127.0.0.1:9", "google"],
    ["abs://account@container?endpoint=http://127.0.0.1:9/account", "azure"],
  ];
  for (const [location, loads] of kinds) {
    it(`loads for ${location} no library of another kind`, async () => {
      const files = await loadedFiles(location);
      for (const [name, pattern] of Object.entries(libraries)) {
        assert.equal(pattern.test(files), name === loads, name);
      }
    });
  }
});
