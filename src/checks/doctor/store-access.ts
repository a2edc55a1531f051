import { probePrefix } from "../../repository/layout.ts";
import { ScbError } from "../../runtime/error.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type Checkup, good, problem } from "./checkup.ts";
import type { Scratch } from "./scratch.ts";

/** What doctor could do in the node's folder. */
export interface StoreAccess {
  /** False: nothing more can be learned about this store now. */
  readonly answers: boolean;
  readonly mayWrite: boolean;
}

/** Does the store allow these credentials each request that a mirror makes? */
export async function examineAccess(
  checkup: Checkup,
  store: ObjectStore,
  scratch: Scratch,
): Promise<StoreAccess> {
  const where = await serviceOf(store);
  const listed = await checkup.run(
    "store-list",
    async (signal) => {
      for await (const _ of store.list(probePrefix, { signal })) break;
    },
    () => good(`${where} answers, and these credentials may list the node's folder`),
  );
  // If a policy refuses, it is worth knowing what else it refuses. After any other failure it isn't.
  if (listed instanceof ScbError && listed.code !== "store-denied") {
    return { answers: false, mayWrite: false };
  }

  const name = "object";
  const key = scratch.folder + name;
  const put = await checkup.run(
    "store-put",
    (signal) => scratch.put(name, 0, undefined, signal),
    () => good("these credentials may write"),
  );
  const isWritten = !(put instanceof ScbError);
  for (const verb of ["get", "head"] as const) {
    await checkup.run(
      `store-${verb}`,
      async (signal) => store[verb](key, { signal }),
      (object) =>
        isWritten && object === null
          ? problem({
              message: `${key} was written, but can't be read back: a mirror can't rely on this store`,
            })
          : good(`these credentials may ${verb === "get" ? "read" : "read an object's metadata"}`),
    );
  }
  return { answers: true, mayWrite: isWritten };
}

async function serviceOf(store: ObjectStore): Promise<string> {
  const service = await store.service?.();
  return service === undefined ? store.location : `${store.location} at ${service}`;
}
