import { latestKey } from "../../src/repository/layout.ts";
import { decodePointer, type SeenPointer } from "./bucket-record.ts";
import type { Fail } from "./invariants.ts";
import type { Heard } from "./simulated-store.ts";

type Place = Pick<SeenPointer, "sequence" | "version" | "operation">;

/**
 * A mirror that knows of a pointer which somebody rolled back must report it before it swaps again. A
 * mirror that never saw that pointer can't, nor can one that has died since.
 */
export class AlarmCheck {
  readonly #fail: Fail;
  /** The pointer that each process last saw. */
  readonly #known = new Map<string, Place>();
  /** Who has to report it, and which operation made the pointer that it knew. */
  readonly #owing = new Map<string, string>();
  /** What was committed since the folder was last rolled back. */
  readonly #committedSince = new Set<string>();

  constructor(fail: Fail) {
    this.#fail = fail;
  }

  heard({ key, object, sent }: Heard, by: string): void {
    const bytes = sent ?? object?.bytes;
    if (key !== latestKey || bytes === undefined) return;
    const pointer = decodePointer(bytes);
    if (pointer.version !== undefined) this.#known.set(by, pointer);
  }

  committed({ operation, recentOperations }: SeenPointer): void {
    this.#committedSince.add(operation);
    // A late request restored the state that they know, so nobody can see that it ever was different.
    for (const [name, known] of this.#owing) {
      if (recentOperations.includes(known)) this.#owing.delete(name);
    }
  }

  wentBack(to: Place): void {
    this.#committedSince.clear();
    for (const [name, { sequence, version, operation }] of this.#known) {
      const isOther = sequence === to.sequence && version.key !== to.version.key;
      if (sequence > to.sequence || isOther) this.#owing.set(name, operation);
    }
  }

  wasTold(
    event: { readonly kind: string; readonly error?: { readonly code: string } } & {
      readonly commit?: { readonly operation: string };
    },
    by: string,
  ): void {
    if (event.kind === "lost" && event.error?.code === "went-back") this.#owing.delete(by);
    if (event.kind !== "swapped" || !this.#owing.has(by)) return;
    // What landed before that was not a swap on top of it.
    if (!this.#committedSince.has(event.commit?.operation ?? "")) return;
    this.#fail("alarm", `${by} swapped, and has not told that the folder went back`);
  }
}
