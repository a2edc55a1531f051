/**
 * The names of the structures that are being read or written, outermost first. They make a text only
 * for an error: making one for each field took longer than all the rest.
 */
export class FieldPath {
  readonly #names: string[] = [];

  enter(name: string): void {
    this.#names.push(name);
  }

  /** Not called on the way out of an error, which still needs the names. */
  leave(): void {
    this.#names.pop();
  }

  /** To stand before the name of a field: `channel 3 of 9.remoteChanCfg.`, or nothing. */
  prefix(): string {
    return this.#names.map((name) => `${name}.`).join("");
  }
}
