import { inspectWith } from "../../src/chanbackup/backup-contents.ts";
import { SubSwapper } from "../../src/chanbackup/sub-swapper.ts";
import type { SubSwapperEvent } from "../../src/chanbackup/sub-swapper-events.ts";
import { HeldBackups } from "../../src/mirror/held-backups.ts";
import { mirrorGuards } from "../../src/mirror/mirror-guards.ts";
import { ObjectStoreSwapper } from "../../src/mirror/object-store-swapper.ts";
import { PackSwapper } from "../../src/mirror/pack-swapper.ts";
import { SingleWriterSwapper } from "../../src/mirror/single-writer-swapper.ts";
import { hasCode, ScbError } from "../../src/runtime/error.ts";
import { silentLogger } from "../../src/runtime/logger.ts";
import type { Known, ProcessOptions, WriterProcess } from "./mirror-process.ts";
import { channelPoint, simulatedEncrypter, singleOf } from "./simulated-backup.ts";
import { SimulatedNotifier } from "./simulated-notifier.ts";

/** Far longer than any schedule: the writer itself decides when to stop. */
const graceMs = 1e9;
const retryMs = 1_000;

/** One life of a program in pack mode: the production swapper, guards, SubSwapper and engine. */
export class PackProcess implements WriterProcess {
  readonly #options: ProcessOptions;
  readonly #notifier: SimulatedNotifier;
  readonly #stop = new AbortController();
  readonly #abort = new AbortController();
  #subSwapper: SubSwapper | null = null;
  #isHeldBack = false;
  readonly #unconfirmed = new Set<string>();

  constructor(options: ProcessOptions) {
    this.#options = options;
    this.#notifier = new SimulatedNotifier(options.world, () => this.#confirm());
  }

  get known(): Known {
    return { state: 0, channels: this.#notifier.heard };
  }

  async run(): Promise<ScbError | null> {
    const { name, store, identity, singleWriter, clock, random } = this.#options;
    const { refreshIntervalMs, minIntervalMs, lookIntervalMs } = this.#options;
    const encrypter = simulatedEncrypter(random, this.#options.world.isOwnNode ? 1 : 2);
    const inspect = inspectWith(encrypter);
    const { pubkey } = identity;
    const heldBackups = new HeldBackups({
      store,
      witness: null,
      inspect,
      pubkey,
      logger: silentLogger,
    });
    const Swapper = singleWriter ? SingleWriterSwapper : ObjectStoreSwapper;
    const swapper = new Swapper({
      store,
      writer: name,
      node: identity,
      guards: mirrorGuards(heldBackups, () => false),
      heldBackups,
      clock,
      random,
      logger: silentLogger,
    });
    const packSwapper = new PackSwapper({ swapper, store, encrypter });
    try {
      await swapper.base(this.#abort.signal);
    } catch (error) {
      if (!hasCode(error, "store-busy", "store-unknown")) return ScbError.from(error);
    }
    const channels = await this.#channels();
    if (channels === null) return null;
    const subSwapper = new SubSwapper({
      startingChans: channels.map(singleOf),
      notifier: this.#notifier,
      encrypter,
      swapper: packSwapper,
      refreshIntervalMs,
      minIntervalMs,
      lookIntervalMs,
      versionLookIntervalMs: 2 * lookIntervalMs,
      observer: (event) => this.#hear(event, packSwapper),
      clock,
      random,
    });
    this.#subSwapper = subSwapper;
    subSwapper.start();
    if (this.#stop.signal.aborted) this.stop();
    if (this.#abort.signal.aborted) this.abort();
    const failure = await subSwapper.ended;
    if (failure !== null) return failure;
    if ((await subSwapper.stop()) || this.#isHeldBack) return null;
    return new ScbError("aborted", "the stop has said that not all is saved");
  }

  stop(): void {
    this.#stop.abort();
    void this.#subSwapper?.stop({ graceMs });
  }

  abort(): void {
    this.#stop.abort();
    this.#abort.abort();
    void this.#subSwapper?.stop();
  }

  /** What the program learns from its node before it starts; null if it was stopped meanwhile. */
  async #channels(): Promise<readonly number[] | null> {
    const { clock } = this.#options;
    while (!this.#stop.signal.aborted) {
      try {
        return await this.#notifier.read(this.#stop.signal);
      } catch (error) {
        if (!hasCode(error, "node-unavailable")) break;
        await clock.sleep(retryMs, this.#stop.signal).catch(() => undefined);
      }
    }
    return null;
  }

  #hear(event: SubSwapperEvent, swapper: PackSwapper): void {
    const { observe } = this.#options;
    switch (event.kind) {
      case "swapped": {
        this.#isHeldBack = false;
        if (swapper.lastCommit !== null) {
          observe({ ...event, commit: swapper.lastCommit, covers: null });
        }
        break;
      }
      case "unchanged":
        this.#isHeldBack = false;
        observe({
          ...event,
          sequence: swapper.heldSequence,
          covers: null,
          held: null,
          writer: null,
        });
        break;
      case "refused":
        this.#isHeldBack = true;
        observe(event);
        break;
      case "close-held-back":
        for (const point of event.channelPoints) this.#unconfirmed.add(point);
        this.#confirm();
        break;
      case "notifier-lost":
      case "notifier-recovered":
      case "channel-skipped":
      case "failed":
        break;
      default:
        observe(event);
    }
  }

  /** The node has a record of each close, so a program that asks it can confirm those held back. */
  #confirm(): void {
    const closed = this.#options.world.node.closedChannels.map(channelPoint);
    const confirmed = closed.filter((point) => this.#unconfirmed.delete(point));
    if (confirmed.length === 0) return;
    this.#subSwapper?.confirmClosed(confirmed).catch(() => undefined);
  }
}
