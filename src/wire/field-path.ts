/**
 * The names of the structures being read or written, outermost first. Joined only for an error, because
 * doing so for every field took longer than everything else.
 */
export class FieldPath {
  readonly #names: string[] = [];

  enter(name: string): void {
    this.#names.push(name);
  }

  /** Not called while an error propagates, which still needs the names. */
  leave(): void {
    this.#names.pop();
  }

  /** The prefix of a field's name: `channel 3 of 9.remoteChanCfg.`, or nothing. */
  prefix(): string {
    return this.#names.map((name) => `${name}.`).join("");
  }
}
