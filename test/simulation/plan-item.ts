import type { Fate } from "./fate.ts";
import type { Glitch } from "./simulated-node.ts";
import type { SourceKind } from "./simulated-source.ts";

/** Which of a writer's requests a fault strikes. */
export type RequestKind = "pointer" | "version" | "read" | "other";

/** One event of a schedule. Any event can be left out, and the rest still makes sense. */
export type PlanItem =
  | {
      readonly kind: "writer";
      readonly writer: number;
      readonly atMs: number;
      readonly source: SourceKind;
    }
  | { readonly kind: "open"; readonly atMs: number }
  | { readonly kind: "close"; readonly which: "oldest" | "newest"; readonly atMs: number }
  /** The channel leaves the node's backup, and its funds come home after `lockedMs`; null: never. */
  | {
      readonly kind: "force-close";
      readonly which: "oldest" | "newest";
      readonly atMs: number;
      readonly lockedMs: number | null;
    }
  | {
      readonly kind: "glitch";
      readonly glitch: Glitch;
      readonly atMs: number;
      readonly forMs: number;
    }
  | { readonly kind: "node-away"; readonly atMs: number; readonly forMs: number }
  /** The process dies just before its nth step, with its requests in flight. */
  | {
      readonly kind: "crash";
      readonly writer: number;
      readonly step: number;
      readonly awayMs: number;
    }
  /** Every mirror dies, and comes back after `awayMs`. */
  | { readonly kind: "all-crash"; readonly atMs: number; readonly awayMs: number }
  /** SIGTERM; after the grace it is cut short. */
  | {
      readonly kind: "stop";
      readonly writer: number;
      readonly atMs: number;
      readonly graceMs: number;
    }
  /** The process freezes, as on a suspended machine, and so does its monotonic clock. */
  | {
      readonly kind: "freeze";
      readonly writer: number;
      readonly atMs: number;
      readonly forMs: number;
    }
  /** No request of this writer (null: of any) reaches the bucket, or no answer comes back. */
  | {
      readonly kind: "partition";
      readonly writer: number | null;
      /** The requests that it strikes. Default: all. */
      readonly request?: RequestKind;
      readonly atMs: number;
      readonly forMs: number;
      readonly fate: Fate;
    }
  | {
      readonly kind: "clock-jump";
      readonly writer: number;
      readonly atMs: number;
      readonly byMs: number;
    }
  /** Strikes the writer's nth request of this kind. */
  | {
      readonly kind: "fault";
      readonly writer: number;
      readonly request: RequestKind;
      readonly nth: number;
      readonly fate: Fate;
    }
  | {
      readonly kind: "prune";
      /** Or as soon as the first writer sends its nth pointer. */
      readonly start: { readonly atMs: number } | { readonly atPointer: number };
      readonly keepLast: number;
      readonly keepWithinMs: number;
      /** It reads the pointer once for this many removals. */
      readonly batchSize: number;
      /** Dies at that step; null: never. */
      readonly dieAtStep: number | null;
    }
  | { readonly kind: "meddle"; readonly deed: Meddling; readonly atMs: number }
  /** Somebody puts back what lay there at `copiedAtMs`: all of it, or the pointer alone. */
  | {
      readonly kind: "put-back";
      readonly what: "folder" | "pointer";
      readonly copiedAtMs: number;
      readonly atMs: number;
    }
  /** `status`, on a machine of its own, whose clock is ahead by `skewMs`. */
  | {
      readonly kind: "monitor";
      readonly atMs: number;
      readonly asksNode: boolean;
      readonly skewMs: number;
    };

/** What a person or another program does to the bucket. */
export type Meddling =
  | "delete-pointer"
  | "damage-pointer"
  | "damage-upload"
  | "other-node"
  | "delete-version"
  /** With other bytes of the same size. */
  | "overwrite-version"
  /** The same, and the pointer's hash and the version's metadata are made to fit. */
  | "overwrite-version-and-hash"
  /** A drill two years ahead that went well. */
  | "forge-drill"
  /** A drill of now that did not. */
  | "fail-drill"
  /** A refusal two years ahead. */
  | "forge-refusal";
