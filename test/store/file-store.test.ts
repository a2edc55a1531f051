import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { peerConformance } from "../conformance/results.ts";

peerConformance("folder", async () => {
  const folder = await mkdtemp(join(tmpdir(), "scb-file-store-"));
  return {
    open: async () => new FileStore({ root: join(folder, "store"), logger: silentLogger }),
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  };
});
