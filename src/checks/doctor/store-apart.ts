import { type SameStoresOptions, sameStores } from "../../mirror/same-stores.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type Checkup, good, problem, unknown } from "./checkup.ts";

/** Are these different places, or is one of them given under two names? */
export async function examineApart(
  checkup: Checkup,
  stores: readonly { readonly name: string; readonly store: ObjectStore }[],
  options: SameStoresOptions,
): Promise<void> {
  await checkup.run(
    "stores-apart",
    (signal) => sameStores(stores, { ...options, signal }),
    ({ same, unknown: untold }) => {
      if (same.length > 0) {
        const pairs = same.map(([a, b]) => `${a} and ${b} are one store under two names`);
        return problem({
          message: `${pairs.join("; ")}: that is one copy, so give it once`,
        });
      }
      if (untold.length > 0) {
        const each = untold.map(({ name, error }) => `${name}: ${error.message}`);
        return unknown(`whether they are different stores is not known (${each.join("; ")})`);
      }
      return stores.length < 2
        ? unknown("fewer than two of the stores answer, so they can't be told apart")
        : good("what is written to one store is in none of the others: they are different stores");
    },
  );
}
