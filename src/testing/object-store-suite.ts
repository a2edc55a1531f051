import { describe, it } from "node:test";
import type { Conditions, ObjectStore } from "../store/object-store.ts";
import { appendOnlyChecks } from "./object-store-append-only.ts";
import { conditionChecks } from "./object-store-conditions.ts";
import { listChecks } from "./object-store-lists.ts";
import { objectChecks } from "./object-store-objects.ts";
import { conditionalRaceChecks, raceChecks } from "./object-store-races.ts";

/** A fresh, empty storage: a new folder, a new prefix of a bucket, a new state. */
export interface StoreGround extends AsyncDisposable {
  /** A new handle on it, as another process would have. The caller closes it. */
  open(): Promise<ObjectStore>;
}

/** One promise of `ObjectStore`. `run` rejects if the store breaks it. */
export interface StoreCheck {
  readonly name: string;
  run(open: () => Promise<ObjectStore>): Promise<void>;
}

const commonChecks: readonly StoreCheck[] = [...objectChecks, ...raceChecks, ...listChecks];

/** Every promise of `ObjectStore`, as a table, so that a test can break each of them. */
export const objectStoreChecks: readonly StoreCheck[] = [
  ...commonChecks,
  ...conditionChecks,
  ...conditionalRaceChecks,
];

/** The promises of a store without conditional writes. */
export const appendOnlyStoreChecks: readonly StoreCheck[] = [...commonChecks, ...appendOnlyChecks];

/** The promises of a store with these `conditions`. */
export function storeChecks(conditions: Conditions): readonly StoreCheck[] {
  return conditions === "enforced" ? objectStoreChecks : appendOnlyStoreChecks;
}

/** Runs one check on a fresh ground, and closes what it opened. */
export async function runStoreCheck(
  check: StoreCheck,
  newGround: () => Promise<StoreGround>,
): Promise<void> {
  const ground = await newGround();
  const opened: ObjectStore[] = [];
  try {
    await check.run(async () => {
      const store = await ground.open();
      opened.push(store);
      return store;
    });
  } finally {
    for (const store of opened) await store.close();
    await ground[Symbol.asyncDispose]();
  }
}

/** Registers the suite for one implementation. An append-only one gets only the part that it promises. */
export function objectStoreSuite(
  name: string,
  newGround: () => Promise<StoreGround>,
  conditions: Conditions = "enforced",
): void {
  const part = conditions === "enforced" ? "" : ", as an append-only store";
  describe(`${name} keeps the promises of ObjectStore${part}`, () => {
    for (const check of storeChecks(conditions)) {
      it(check.name, () => runStoreCheck(check, newGround));
    }
  });
}
