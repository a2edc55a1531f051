import type { Mutant } from "./mutants.ts";

const sharedAsk = "src/runtime/shared-ask.ts";
const sharedNode = "src/node/shared-node.ts";
const storeMirror = "src/app/store-mirror.ts";
const mirrorStores = "src/app/mirror-stores.ts";
const runVerdicts = "src/app/run-verdicts.ts";
const runVerdict = "src/app/run-verdict.ts";
const storesVerdict = "src/checks/stores-verdict.ts";

const sharedSnapshot = "snapshot: (reason, signal) => this.#snapshots.ask(reason, signal),";
const listeners = "  readonly #listeners = new Set<DueReason>();\n";

/** Defects in what several stores of one node have to do with each other. */
export const storesMutants: readonly Mutant[] = [
  {
    name: "one store's commit is taken for all",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: runVerdicts,
        from: "if (event.store === null || event.store === store) run.hear(event);",
        to: "run.hear(event);",
      },
    ],
  },
  {
    name: "a dead store blocks: a snapshot waits until each store wants one",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: sharedNode,
        from: sharedSnapshot,
        to: "snapshot: async (reason, signal) => {\n        const gate = (this.#gate ??= Promise.withResolvers<void>());\n        this.#asking += 1;\n        if (this.#asking >= this.#listeners.size) {\n          gate.resolve();\n          this.#gate = null;\n          this.#asking = 0;\n        }\n        await abortable(gate.promise, signal);\n        return this.#snapshots.ask(reason, signal);\n      },",
      },
      {
        file: sharedNode,
        from: listeners,
        to: `${listeners}  #gate: PromiseWithResolvers<void> | null = null;\n  #asking = 0;\n`,
      },
      {
        file: sharedNode,
        from: "import { DueReason }",
        to: 'import { abortable } from "../runtime/abort.ts";\nimport { DueReason }',
      },
    ],
  },
  {
    name: "a dead store blocks: a store begins when the others have told what they hold",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: "    await sleepUntil(this.#options.clock, othersOpenMs, [...signals, all.signal]);\n",
        to: "    await sleepUntil(this.#options.clock, 1e9, [...signals, all.signal]);\n",
      },
    ],
  },
  {
    name: "a dead store blocks: an empty one waits until it can be copied from",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: "      } catch (caught) {\n        throwIfAborted(signal);\n",
        to: "      } catch (caught) {\n        if (!signal.aborted) throw caught;\n",
      },
    ],
  },
  {
    name: "the best held version is not shared",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: "return held === null ? [] : [{ other, held }];",
        to: "return held === null || held.sequence > 0 ? [] : [{ other, held }];",
      },
    ],
  },
  {
    name: "a stale snapshot is reused across a base",
    isNamed: true,
    modes: ["stores"],
    changes: [
      {
        file: sharedNode,
        from: sharedSnapshot,
        to: "snapshot: async (reason, signal) => (this.#kept ??= await this.#snapshots.ask(reason, signal)),",
      },
      {
        file: sharedNode,
        from: listeners,
        to: `${listeners}  #kept: Awaited<ReturnType<SnapshotSource["snapshot"]>> | null = null;\n`,
      },
      {
        file: sharedNode,
        from: "          for (const due of this.#listeners) due.put(reason);\n",
        to: "          this.#kept = null;\n          for (const due of this.#listeners) due.put(reason);\n",
      },
    ],
  },
  {
    name: "a late asker joins a request that is under way",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: sharedAsk,
        from: "      if (this.#next === batch) this.#next = null;\n      throwIfAborted(abort.signal);\n      return this.#make(asks, abort.signal);\n",
        to: "      throwIfAborted(abort.signal);\n      try {\n        return await this.#make(asks, abort.signal);\n      } finally {\n        if (this.#next === batch) this.#next = null;\n      }\n",
      },
    ],
  },
  {
    name: "each store asks the node for itself",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: sharedNode,
        from: sharedSnapshot,
        to: "snapshot: (reason, signal) => source.snapshot(reason, signal),",
      },
    ],
  },
  {
    name: "a store that failed isn't begun anew",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: mirrorStores,
        from: "        await sleepUntil(options.clock, lookAgainMs, [stop, abort]);\n",
        to: "        return;\n",
      },
    ],
  },
  {
    name: "one store's failure ends the others",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: mirrorStores,
        from: "failures.size === mirrors.length",
        to: "failures.size > 0",
      },
    ],
  },
  {
    name: "`refused` at one store is tolerated by --require",
    isNamed: false,
    modes: ["stores"],
    changes: [{ file: storesVerdict, from: '["refused", "store-ahead"]', to: '["store-ahead"]' }],
  },
  {
    name: "a verdict over all goes by the best store, whatever --require says",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: storesVerdict,
        from: "safe > 0 && safe >= neededOf(requirement, judged.length);",
        to: "safe > 0 && neededOf(requirement, judged.length) > 0;",
      },
    ],
  },
  {
    name: "a stop says that all is saved, though fewer stores than are needed hold it",
    isNamed: false,
    modes: ["stores"],
    changes: [{ file: mirrorStores, from: "saved > 0 && saved < needed &&", to: "saved < 0 &&" }],
  },
  {
    name: "a state is compared with what another store got after the node was asked",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: "() => this.#elsewhere.map(({ other, held }) => other.#seen(held)),",
        to: "() => this.#elsewhere.map(({ other, held }) => other.#seen(other.held ?? held)),",
      },
    ],
  },
  {
    name: "an empty store is taken as it is",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: 'if (base.kind === "none" && base.leftoverSizeBytes === 0) {',
        to: 'if (base.kind === "none" && base.leftoverSizeBytes < 0) {',
      },
    ],
  },
  {
    name: "another mirror that begins in the same empty store is a failure",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: '      if (!hasCode(error, "superseded")) throw error;\n',
        to: "      throw error;\n",
      },
    ],
  },
  {
    name: "a node that is back makes up for a store that isn't",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: runVerdict,
        from: "isOfSource ? { nodeTrouble: null } : { trouble: null, unsavedSinceMs: null }",
        to: "{ nodeTrouble: null, trouble: null, unsavedSinceMs: null }",
      },
    ],
  },
  {
    name: "what could not be looked at stays unsaved",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: runVerdict,
        from: "{ trouble: null, unsavedSinceMs: null });",
        to: "{ trouble: null });",
      },
    ],
  },
  {
    name: "a store that is tried again counts as back before it is read",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: storeMirror,
        from: "      base = await this.#swapper.readBase(signal);\n",
        to: "      base = await this.#swapper.base(signal);\n",
      },
    ],
  },
  {
    name: "a node that once gave no answer stays unheard until a swap that fails first",
    isNamed: false,
    modes: ["stores"],
    changes: [
      {
        file: runVerdict,
        from: 'const hasAnswered = ["swapped", "unchanged", "refused", "recovered"].includes(event.kind);',
        to: 'const hasAnswered = event.kind === "recovered";',
      },
    ],
  },
];
