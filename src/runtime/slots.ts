interface Waiting {
  readonly weight: number;
  readonly start: () => void;
}

/** Limits concurrency; callers beyond the limit wait their turn, in order. */
export class Slots {
  readonly #count: number;
  #free: number;
  readonly #waiting: Waiting[] = [];

  constructor(count: number) {
    this.#count = count;
    this.#free = count;
  }

  /** `weight` is how many slots the task takes. A greater weight than there are slots takes them all. */
  async hold<T>(use: () => Promise<T>, weight = 1): Promise<T> {
    const taken = Math.min(weight, this.#count);
    if (this.#waiting.length === 0 && taken <= this.#free) this.#free -= taken;
    else await new Promise<void>((start) => this.#waiting.push({ weight: taken, start }));
    try {
      return await use();
    } finally {
      this.#free += taken;
      this.#startNext();
    }
  }

  #startNext(): void {
    for (;;) {
      const [next] = this.#waiting;
      if (next === undefined || next.weight > this.#free) return;
      this.#waiting.shift();
      this.#free -= next.weight;
      next.start();
    }
  }
}
