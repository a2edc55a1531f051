import { writeSync } from "node:fs";
import { silentLogger } from "../../src/runtime/logger.ts";
import { FileStore } from "../../src/store/file-store.ts";
import { increment } from "../../src/testing/object-store-helpers.ts";

// Raises the counter in the folder that it is given until it is killed, and says so each time.
const root = process.argv[2] ?? "";
const store = new FileStore({ root, logger: silentLogger });
for (;;) {
  await increment(store, "race/counter");
  writeSync(1, "+");
}
