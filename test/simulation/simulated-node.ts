import { type BackupFacts, packBackup } from "./simulated-backup.ts";

/** What a node hands out that is not its true state: its channels are gone, or one of them, or it is no backup. */
export type Glitch = "empty" | "partial" | "text";

/** The node's situation when a backup was packed. */
export interface Packing {
  readonly atMs: number;
  readonly limbo: readonly number[];
}

/** The Lightning node: its channels, and whether it can be asked. It always keeps one channel. */
export class SimulatedNode {
  state = 1;
  channels: readonly number[] = [1];
  closedChannels: readonly number[] = [];
  /** Closed, and their funds aren't home yet. */
  limbo: readonly number[] = [];
  isAway = false;
  glitch: Glitch | null = null;
  readonly #listeners = new Set<(what: "changed" | "back") => void>();
  #opened = 1;
  #packings = 0;
  readonly #nowMs: () => number;
  readonly #packed = new Map<number, Packing>();
  /** lnd's own file is written once for each change, so its bytes stay as they are. */
  #file: { readonly state: number; readonly packed: Uint8Array } | null = null;

  constructor(nowMs: () => number = () => 0) {
    this.#nowMs = nowMs;
  }

  /** Returns the way to stop listening. */
  listen(listener: (what: "changed" | "back") => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  open(): void {
    this.#opened += 1;
    this.channels = [...this.channels, this.#opened];
    this.#changed();
  }

  /** Closes a channel, if there is another. */
  close(which: "oldest" | "newest"): void {
    if (this.channels.length === 1) return;
    const closed = this.channels.at(which === "oldest" ? 0 : -1);
    this.channels = this.channels.filter((channel) => channel !== closed);
    this.closedChannels = [...this.closedChannels, closed ?? 0];
    this.#changed();
  }

  /** The channel leaves the backup at once, and its funds wait for `resolve`. Returns it; null for none. */
  forceClose(which: "oldest" | "newest"): number | null {
    const before = this.closedChannels.length;
    const closing = this.channels.at(which === "oldest" ? 0 : -1) ?? 0;
    if (this.channels.length > 1) this.limbo = [...this.limbo, closing];
    this.close(which);
    return this.closedChannels.length > before ? closing : null;
  }

  /** Its funds are back. The backup stays as it is, and the node announces a change. */
  resolve(channel: number): void {
    this.limbo = this.limbo.filter((it) => it !== channel);
    this.#tell("changed");
  }

  /** When the backup of this nonce was packed, and what was in limbo then; null if that isn't known. */
  packing(nonce: number): Packing | null {
    return this.#packed.get(nonce) ?? null;
  }

  goAway(): void {
    this.isAway = true;
  }

  comeBack(): void {
    if (!this.isAway) return;
    this.isAway = false;
    this.#tell("back");
  }

  beginGlitch(glitch: Glitch): void {
    this.glitch = glitch;
    this.#tell("changed");
  }

  endGlitch(): void {
    if (this.glitch === null) return;
    this.glitch = null;
    this.#tell("back");
  }

  /** It can be asked, and tells the truth. */
  recover(): void {
    const isBack = this.isAway || this.glitch !== null;
    this.isAway = false;
    this.glitch = null;
    if (isBack) this.#tell("back");
  }

  /** The channels that its backup holds. */
  get exported(): readonly number[] {
    if (this.glitch === "empty") return [];
    return this.glitch === "partial" ? this.channels.slice(1) : this.channels;
  }

  /** What an export gives: packed anew each time. */
  pack(): Uint8Array {
    this.#packings += 1;
    if (this.glitch === "text")
      return new TextEncoder().encode("<html>502 Bad Gateway</html>\n".repeat(30));
    this.#packed.set(this.#packings, { atMs: this.#nowMs(), limbo: this.limbo });
    return packBackup({ state: this.state, channels: this.exported, nonce: this.#packings });
  }

  /** What lnd's file holds. */
  packedFile(): Uint8Array {
    if (this.glitch !== null) return this.pack();
    if (this.#file?.state !== this.state) this.#file = { state: this.state, packed: this.pack() };
    return this.#file.packed;
  }

  /** Whether a backup holds the node's channels as they are now. */
  isCurrent(backup: BackupFacts): boolean {
    return backup.channels.join() === this.channels.join();
  }

  #changed(): void {
    this.state += 1;
    this.#tell("changed");
  }

  #tell(what: "changed" | "back"): void {
    if (this.isAway) return;
    for (const listener of this.#listeners) listener(what);
  }
}
