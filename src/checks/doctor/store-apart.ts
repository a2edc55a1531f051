import { type SameStoresOptions, sameStores } from "../../mirror/same-stores.ts";
import type { ObjectStore } from "../../store/object-store.ts";
import { type Checkup, good, problem, unknown } from "./checkup.ts";

/** Are these different places, or is one of them given twice under different names? */
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
          message: `${pairs.join("; ")}: that is only one copy, so give it once`,
        });
      }
      if (untold.length > 0) {
        const each = untold.map(({ name, error }) => `${name}: ${error.message}`);
        return unknown(`it isn't known whether they are different stores (${each.join("; ")})`);
      }
      return stores.length < 2
        ? unknown(
            "fewer than two of the stores answer, so it isn't known whether they are different stores",
          )
        : good("they are different stores: what is written to one appears in none of the others");
    },
  );
}
