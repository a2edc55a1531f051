import { randomUUID } from "node:crypto";
import { silentLogger } from "../../src/runtime/logger.ts";
import type { ObjectStore } from "../../src/store/object-store.ts";
import { openStore } from "../../src/store/open-store.ts";
import { prefixedStore } from "../../src/store/prefixed-store.ts";
import type { StoreLocation } from "../../src/store/store-kinds.ts";
import type { StoreGround } from "../../src/testing/object-store-suite.ts";

/** A new folder of a store that somebody named. What was written there is deleted in the end. */
export function newGroundAt(location: StoreLocation, folder: string): StoreGround {
  const ground = `${folder}/${randomUUID()}`;
  const open = async (): Promise<ObjectStore> => {
    // SeaweedFS lets writers that race on one key wait for seconds: slow, and right.
    const root = await openStore(location, { logger: silentLogger, requestTimeoutMs: 60_000 });
    return { ...prefixedStore(root, ground), close: () => root.close() };
  };
  return {
    open,
    async [Symbol.asyncDispose]() {
      const store = await open();
      try {
        const keys: string[] = [];
        for await (const { key } of store.list("")) keys.push(key);
        for (const key of keys) await store.delete(key);
      } finally {
        await store.close();
      }
    },
  };
}
