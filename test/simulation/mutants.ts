import type { Way } from "./schedule.ts";
import { modes } from "./world.ts";

/** A change of one text in one file; the text must be there exactly once. */
export interface Change {
  /** Relative to the repository's root. */
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

/** A deliberate defect that the simulation must find. */
export interface Mutant {
  readonly name: string;
  /** Whether the swap protocol's own list has it. */
  readonly isNamed: boolean;
  /** In which it has to be found. */
  readonly modes: readonly Way[];
  readonly changes: readonly Change[];
}

const swapper = "src/mirror/object-store-swapper.ts";
const stateSwapper = "src/mirror/state-swapper.ts";
const engine = "src/chanbackup/engine.ts";
const mirrorEngine = "src/mirror/mirror-engine.ts";
const backupState = "src/chanbackup/backup-state.ts";
const packSwapper = "src/mirror/pack-swapper.ts";
const freshness = "src/chanbackup/freshness.ts";
const base = "src/repository/base.ts";
const guard = "src/mirror/guard.ts";
const prunePlan = "src/recovery/prune/prune-plan.ts";
const bucket = "test/simulation/simulated-bucket.ts";

const bucketCheck =
  "checkCondition(key, this.#objects.get(key)?.etag ?? null, condition, this.location);";
const pointerCaught = "      // Nothing is known of the pointer until it is read again.\n";
const engineCaught =
  '        const error = ScbError.from(caught);\n        if (error.code === "superseded") {\n';

export const mutants: readonly Mutant[] = [
  {
    name: "no operation id: any move of the pointer is taken for our own",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: "base.pointer.recentOperations.includes(operation.id);",
        to: "base.pointer.sequence >= operation.sequence;",
      },
    ],
  },
  {
    name: "an ETag that repeats",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: bucket,
        from: 'this.flavour.etags === "unique" ? this.#puts :',
        to: 'key === "latest.json" ? Math.floor(this.#puts / 3) % 2 :',
      },
    ],
  },
  {
    name: "a store that ignores If-Match",
    isNamed: true,
    modes: modes,
    changes: [
      { file: bucket, from: bucketCheck, to: `if (condition?.kind !== "match") ${bucketCheck}` },
    ],
  },
  {
    name: "a store that ignores the first create",
    isNamed: true,
    modes: modes,
    changes: [
      { file: bucket, from: bucketCheck, to: `if (condition?.kind !== "absent") ${bucketCheck}` },
    ],
  },
  {
    name: "a 412 dropped: the swap is given up",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: engine,
        from: engineCaught,
        to: `        if (hasCode(caught, "superseded")) return this.#due.drop();\n${engineCaught}`,
      },
    ],
  },
  {
    name: "a timeout dropped: the swap is given up",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: engine,
        from: engineCaught,
        to: `        if (hasCode(caught, "store-unknown")) return this.#due.drop();\n${engineCaught}`,
      },
    ],
  },
  {
    name: "a timeout taken as success",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: pointerCaught,
        to: `      if (hasCode(error, "store-unknown")) return operationCommit(operation);\n${pointerCaught}`,
      },
    ],
  },
  {
    name: "the pointer before the version",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: "    if (!operation.versionStored) {\n",
        to: "    if (!operation.versionStored && operation.pointerSent) {\n",
      },
      {
        file: swapper,
        from: "    return this.#putPointer(operation, signal);\n",
        to: "    const commit = await this.#putPointer(operation, signal);\n    await this.putVersion(operation, { metadata: operationMetadata(operation), signal });\n    return commit;\n",
      },
    ],
  },
  {
    name: "the version not verified after an answer that was lost",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: stateSwapper,
        from: "      const stored = await readVersion(store, { key: operation.key, sha256 }, { signal });\n",
        to: "      return;\n",
      },
      {
        file: stateSwapper,
        from: '      if (stored.kind === "missing") {\n',
        to: '      const stored = { kind: "whole" };\n      if (stored.kind === "missing") {\n',
      },
    ],
  },
  {
    name: "the snapshot before the base",
    isNamed: true,
    modes: ["mirror"],
    changes: [
      {
        file: mirrorEngine,
        from: "      const base = await swapper.base(signal);\n",
        to: "      const { reason } = this.#engine.take();\n      const early = await this.#source.snapshot(reason, signal);\n      const base = await swapper.base(signal);\n",
      },
      {
        file: mirrorEngine,
        from: "await this.#nextOperation(base, due, signal);",
        to: "await this.#nextOperation(base, due, signal, early);",
      },
      {
        file: mirrorEngine,
        from: "    due: Due,\n    signal: AbortSignal,\n  ): Promise<UnderWay | {",
        to: "    due: Due,\n    signal: AbortSignal,\n    early: Snapshot,\n  ): Promise<UnderWay | {",
      },
      {
        file: mirrorEngine,
        from: "candidateFromSnapshot(await this.#source.snapshot(due.reason, signal));",
        to: "candidateFromSnapshot(early);",
      },
    ],
  },
  {
    name: "the cached base not refreshed",
    isNamed: true,
    modes: modes,
    changes: [
      { file: swapper, from: `${pointerCaught}      this.forgetBase();\n`, to: "" },
      {
        file: swapper,
        from: "    this.forgetBase();\n    const had = operation.base;\n",
        to: "    const had = operation.base;\n",
      },
      { file: swapper, from: "    this.adopt(base);\n    const facts", to: "    const facts" },
    ],
  },
  {
    name: "a 412 taken as success",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: pointerCaught,
        to: `      if (hasCode(error, "store-precondition")) return operationCommit(operation);\n${pointerCaught}`,
      },
    ],
  },
  {
    name: "a 503 taken as success",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: pointerCaught,
        to: `      if (hasCode(error, "store-busy")) return operationCommit(operation);\n${pointerCaught}`,
      },
    ],
  },
  {
    name: "a commit told before the pointer has moved",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: "    return this.#putPointer(operation, signal);\n",
        to: "    void this.#putPointer(operation, signal).catch(() => undefined);\n    return operationCommit(operation);\n",
      },
    ],
  },
  {
    name: "the pointer put without a condition",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: '        condition,\n        contentType: "application/json",\n        signal,\n      });\n      this.#inDoubt',
        to: '        contentType: "application/json",\n        signal,\n      });\n      this.#inDoubt',
      },
    ],
  },
  {
    name: "the pointer put against what is there now, not against the base",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: '{ kind: "match", etag: base.etag }',
        to: '{ kind: "match", etag: (await store.head(latestKey, { signal }))?.etag ?? "" }',
      },
    ],
  },
  {
    name: "the old snapshot put upon the new base",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: mirrorEngine,
        from: "      if (!isPassing(error)) this.#underWay = null;\n",
        to: '      if (hasCode(error, "superseded") && this.#underWay !== null) {\n        const { operation, due } = this.#underWay;\n        const id = operation.id.slice(0, -1) + (operation.id.endsWith("0") ? "1" : "0");\n        const next = newSwapOperation(id, await this.#swapper.base(signal), operation.candidate);\n        this.#underWay = { operation: next, due: { ...due, revision: due.revision + 1 } };\n      } else if (!isPassing(error)) this.#underWay = null;\n',
      },
      {
        file: mirrorEngine,
        from: 'import { ScbError } from "../runtime/error.ts";',
        to: 'import { hasCode, ScbError } from "../runtime/error.ts";',
      },
      {
        file: mirrorEngine,
        from: 'import type { SwapOperation } from "./swap-operation.ts";',
        to: 'import { newSwapOperation, type SwapOperation } from "./swap-operation.ts";',
      },
    ],
  },
  {
    name: "a failed swap cleans up after itself",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: pointerCaught,
        to: `      await store.delete(operation.key, { signal });\n${pointerCaught}`,
      },
    ],
  },
  {
    name: "operation ids that repeat",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: "    return newOperationId(clock, random);\n",
        to: '    return "01ARZ3NDEKTSV4RRFFQ69G5FAV";\n',
      },
    ],
  },
  {
    name: "uploads that replace one another",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: "    return newOperationId(clock, random);\n",
        to: '    return newOperationId(clock, random).slice(0, 10).padEnd(26, "0");\n',
      },
      {
        file: swapper,
        from: '{ condition: { kind: "absent" }, metadata, signal }',
        to: "{ metadata, signal }",
      },
    ],
  },
  {
    name: "news that come while a snapshot is taken are forgotten",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: engine,
        from: "    this.#due.settle(revision, null);\n",
        to: "    this.#due.settle(revision, null);\n    this.#due.drop();\n",
      },
    ],
  },
  {
    name: "a stop does not wait for what is not saved",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: engine,
        from: "        if (this.#due.reason === null) break;\n",
        to: "        if (this.#due.reason === null || stop.aborted) break;\n",
      },
    ],
  },
  {
    name: "another writer's commit ends the mirror",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: engine,
        from: '        const error = ScbError.from(caught);\n        if (error.code === "superseded") {',
        to: '        const error = ScbError.from(caught);\n        if (error.code === "not-found") {',
      },
    ],
  },
  {
    name: "equal sizes are taken for equal channels",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: mirrorEngine,
        from: "      held.channelPointsSha256 === candidate.channelPointsSha256 &&\n",
        to: "",
      },
      { file: mirrorEngine, from: '      reason !== "channel-event" &&\n', to: "" },
    ],
  },
  {
    name: "an empty backup replaces a full one",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: guard,
        from: "if (!empties || isAccepted()) return null;",
        to: "if (isAccepted !== undefined) return null;",
      },
    ],
  },
  {
    name: "an error page becomes a backup",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: guard,
        from: "  if (flaw === null) return null;\n",
        to: "  if (flaw !== null) return null;\n",
      },
    ],
  },
  {
    name: "a deleted pointer is made anew by a swap",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: swapper,
        from: 'if (hasCode(error, "store-missing")) throw',
        to: 'if (hasCode(error, "store-missing")) {\n        await store.put(latestKey, encodePointer(pointer), { condition: { kind: "absent" }, signal });\n        return operationCommit(operation);\n      }\n      if (hasCode(error, "store-missing")) throw',
      },
    ],
  },
  {
    name: "a deleted pointer is taken for a folder without any",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: base,
        from: "    throw pointerLost(store, evidence);\n",
        to: "",
      },
      {
        file: base,
        from: "  if (evidence === null) return none;\n",
        to: "  if (base === null) return none;\n",
      },
    ],
  },
  {
    name: "a first commit that comes while the base is read is taken for a lost pointer",
    isNamed: false,
    modes: modes,
    changes: [{ file: base, from: "    if (late !== null) return late;\n", to: "" }],
  },
  {
    name: "the refresh trusts the wall clock",
    isNamed: false,
    modes: modes,
    changes: [
      {
        file: freshness,
        from: "return Math.max(nowMs - this.#seen.savedAt, knownMs);",
        to: "return nowMs - this.#seen.savedAt;",
      },
    ],
  },
  {
    name: "prune without grace: what may yet be committed is removed",
    isNamed: true,
    modes: modes,
    changes: [
      {
        file: prunePlan,
        from: 'if (its === "pending" || its === "ahead") reasons.push("pending");',
        to: "",
      },
    ],
  },
  {
    name: "a close of a channel that only the backup holds counts at once",
    isNamed: false,
    modes: ["pack"],
    changes: [
      {
        file: backupState,
        from: "if (this.#open.has(point) || this.#closed.has(point)) this.close(point);",
        to: "if (point.length > 0) this.close(point);",
      },
    ],
  },
  {
    name: "what only the backup holds is dropped",
    isNamed: false,
    modes: ["pack"],
    changes: [
      {
        file: backupState,
        from: "return mergeSingles(held, this.#open.values(), this.#closed);",
        to: "return mergeSingles(null, this.#open.values(), this.#closed);",
      },
    ],
  },
  {
    name: "a swap onto another base than was extracted",
    isNamed: false,
    modes: ["pack"],
    changes: [
      {
        file: packSwapper,
        from: "    const base = this.#takeBase();\n",
        to: "    this.#takeBase();\n    const base = await swapper.readBase(signal);\n",
      },
    ],
  },
];
