/** That the swapper keeps its promises, by the suite that comes with scb-mirror: `node --test prove-sqlite-swapper.ts`. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { swapperSuite } from "scb-mirror/testing";
import { SqliteSwapper } from "./sqlite-swapper.ts";

swapperSuite("a SqliteSwapper", async () => {
  const folder = await mkdtemp(join(tmpdir(), "sqlite-swapper-"));
  const opened: SqliteSwapper[] = [];
  return {
    async open() {
      const swapper = new SqliteSwapper(join(folder, "backup.db"));
      opened.push(swapper);
      return swapper;
    },
    async [Symbol.asyncDispose]() {
      for (const swapper of opened) swapper.close();
      await rm(folder, { recursive: true });
    },
  };
});
