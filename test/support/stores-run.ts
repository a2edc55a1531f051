import assert from "node:assert/strict";
import { rm } from "node:fs/promises";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { seededUnit } from "../peers/fault-proxy/fault-plan.ts";
import { freePort } from "../peers/free-port.ts";
import { waitFor } from "../peers/wait-for.ts";
import { assertNothingLost } from "./bucket.ts";
import { ChangingLnd } from "./changing-lnd.ts";
import type { CliEvent, RunningCli } from "./cli.ts";
import { bakeLeastPrivilege } from "./lnd-mirror.ts";
import { mirrorInto, StorePlace } from "./store-place.ts";
import {
  type EventTime,
  eventTimes,
  returnTimes,
  type StoresTimeline,
  type ToldVerdict,
  type WrongVerdict,
  wrongVerdicts,
} from "./stores-judge.ts";
import { fillDisk } from "./tmpfs.ts";

export interface StoresRunOptions {
  /** It runs until lnd's backup has changed this often, and each fault has struck each store. */
  readonly events: number;
  readonly seed: number;
  readonly onTrouble?: (what: string, events: number) => void;
  /** Ends the run early; what was done until then is judged. */
  readonly signal?: AbortSignal;
}

export interface StoresRunReport {
  readonly events: number;
  /** How often each fault struck. */
  readonly troubles: Readonly<Record<string, number>>;
  readonly times: readonly EventTime[];
  /** From each return of a store until it was level. */
  readonly returnedMs: readonly number[];
  readonly wrong: readonly WrongVerdict[];
  /** How often a store and /readyz were read, and how many verdicts the run reported. */
  readonly reads: number;
  readonly readyzReads: number;
  readonly verdicts: number;
  /** By store: acknowledged swaps, all of which are there. */
  readonly acknowledged: Readonly<Record<string, number>>;
}

const required = 2;
const requestTimeoutMs = 1_000;
/**
 * A request to a hanging store is abandoned after this time, and then reported. Other figures judge the
 * speed, so this must suit a busy machine.
 */
const bounds = { required, unsavedMs: 3 * requestTimeoutMs + 1_000, settleMs: 3_000 };
const eventually = { timeoutMs: 60_000, everyMs: 20 };
const flags = [
  ...["--min-interval", "1ms", "--look-interval", "1s", "--drill-interval", "off"],
  ...["--request-timeout", `${requestTimeoutMs}ms`],
];
const diskBytes = 128 * 1024 * 1024;

interface Trouble {
  readonly name: string;
  readonly begin: (place: StorePlace) => Promise<unknown> | undefined;
  readonly end: (place: StorePlace) => Promise<unknown> | undefined;
}

const troubles: readonly Trouble[] = [
  { name: "killed", begin: ({ minio }) => minio.kill(), end: ({ minio }) => minio.restart() },
  { name: "frozen", begin: ({ minio }) => minio.freeze(), end: ({ minio }) => minio.goOn() },
  { name: "full", begin: ({ filler }) => fillDisk(filler), end: ({ filler }) => rm(filler) },
  { name: "restarted", begin: ({ minio }) => minio.stop(), end: ({ minio }) => minio.restart() },
];
/** What two stores go through at once. */
const doubled = troubles.slice(0, 2);

/**
 * A real lnd, mirrored into three MinIOs of which two have to hold its state. In turn each is killed,
 * frozen, filled and restarted while lnd's channels come and go; then two at once are killed, and
 * frozen. Two more, each mirrored by a program of its own, go through nothing: they say how long such
 * stores take at that moment. An observer reads the stores, `/readyz` and the mirror's events, and
 * knows lnd's state from lnd: see `wrongVerdicts`.
 *
 * In the end the mirror has stopped cleanly with lnd's last state in each store, all that it had
 * acknowledged is there, and no store's state ever went back. Fails if that isn't so; the rest is in the
 * report.
 */
export async function storesRun(options: StoresRunOptions): Promise<StoresRunReport> {
  await using stack = new AsyncDisposableStack();
  const lnd = stack.use(await ChangingLnd.start());
  const all: StorePlace[] = [];
  for (const name of ["one", "two", "three", "lone", "alone"]) {
    all.push(stack.use(await StorePlace.start(name, lnd, { diskBytes })));
  }
  const places = all.slice(0, 3);
  const alone = all.slice(3);
  const listen = `127.0.0.1:${await freePort()}`;
  const macaroonPath = await bakeLeastPrivilege(lnd.node);
  const mirror = (into: readonly StorePlace[], ...more: readonly string[]): Promise<RunningCli> =>
    mirrorInto(into, lnd, [...flags, "--macaroonpath", macaroonPath, ...more]);
  const run = stack.use(await mirror(places, "--require", String(required), "--listen", listen));
  const controls: RunningCli[] = [];
  for (const place of alone) controls.push(stack.use(await mirror([place])));

  await run.event(({ verdict }) => verdict === "safe", eventually);

  const ended = new AbortController();
  const readyz: ToldVerdict[] = [];
  const watching = Promise.all([
    ...places.map(({ observed }) => observed.watch(ended.signal)),
    watchReadyz(`http://${listen}/readyz`, readyz, ended.signal),
  ]);
  watching.catch(() => ended.abort());
  const struck: Record<string, number> = {};
  try {
    await trouble({ ...options, lnd, places, struck, ended: ended.signal });
    await untilLevel(lnd, all);
  } finally {
    ended.abort();
    await watching;
  }

  const untilMs = Date.now();
  for (const mirror of [run, ...controls])
    assert.equal(await mirror.end("SIGTERM"), 0, mirror.stderr);
  const stores = await Promise.all(places.map((place) => place.timeline(lnd)));
  for (const [index, place] of places.entries()) {
    assertNothingLost(place.swaps, await place.bucket.lineage(lnd.node.pubkey));
    let before = -1;
    for (const { state } of stores[index]?.commits ?? []) {
      assert.ok(state >= before, `${place.name}: state ${state} after ${before}`);
      before = state;
    }
  }
  const verdicts = run.events.flatMap((event) => toldBy(event));
  const seen: StoresTimeline = {
    statesAtMs: lnd.states.atMs,
    stores,
    told: verdicts,
    untilMs,
  };
  return {
    events: lnd.states.newest,
    troubles: struck,
    times: eventTimes(seen, await Promise.all(alone.map((place) => place.timeline(lnd))), required),
    returnedMs: returnTimes(seen),
    wrong: [verdicts, readyz].flatMap((told) => wrongVerdicts({ ...seen, told }, bounds)),
    reads: stores.reduce((sum, { reads }) => sum + reads.length, 0),
    readyzReads: readyz.length,
    verdicts: verdicts.length,
    acknowledged: Object.fromEntries(
      places.map(({ bucket, swaps }) => [bucket.name, swaps.length]),
    ),
  };
}

/** Runs until there were enough events, and each fault has struck each store. */
async function trouble(
  options: StoresRunOptions & {
    readonly lnd: ChangingLnd;
    readonly places: readonly StorePlace[];
    readonly struck: Record<string, number>;
    readonly ended: AbortSignal;
  },
): Promise<void> {
  const { events, seed, onTrouble, signal, lnd, places, struck, ended } = options;
  const unit = seededUnit(seed);
  /** Faults begin and end while something changes. */
  const meanwhile = async (...deeds: readonly (() => Promise<unknown>)[]): Promise<void> => {
    const later = async (deed: () => Promise<unknown>): Promise<void> => {
      await delay(unit() * 600);
      await deed();
    };
    await Promise.all([lnd.change(), ...deeds.map(later)]);
  };
  const suffer = async (
    { name, begin, end }: Trouble,
    victims: readonly StorePlace[],
    changes: number,
  ) => {
    onTrouble?.(
      `${victims.map(({ bucket }) => bucket.name).join(" and ")}: ${name}`,
      lnd.states.newest,
    );
    struck[name] = (struck[name] ?? 0) + 1;
    const strike = (place: StorePlace) => async (): Promise<void> => {
      place.away.push({ fromMs: Date.now(), toMs: Infinity });
      await begin(place);
    };
    const comeBack = (place: StorePlace) => async (): Promise<void> => {
      await end(place);
      await place.observed.takesWrites();
      const away = place.away.at(-1);
      if (away !== undefined) away.toMs = Date.now();
    };
    await meanwhile(...victims.map(strike));
    for (let change = 1; change < changes; change += 1) await lnd.change();
    // Two are down long enough for the mirror to report it.
    if (victims.length > 1) await delay(bounds.unsavedMs + 500);
    await meanwhile(...victims.map(comeBack));
    await untilLevel(lnd, places);
    if (victims.length > 1) await delay(bounds.settleMs + 500);
  };
  const isOver = (): boolean => signal?.aborted === true || ended.aborted;
  for (let round = 0; !isOver() && (round === 0 || lnd.states.newest < events); round += 1) {
    for (const each of troubles) {
      for (const place of places) {
        if (each.name === "full" && place.disk === null) continue;
        if (isOver() || (round > 0 && lnd.states.newest >= events)) break;
        await suffer(each, [place], 2);
        await lnd.change();
      }
    }
    for (const [index, each] of doubled.entries()) {
      if (isOver()) break;
      await suffer(
        each,
        places.filter((_, at) => at !== (round + index) % places.length),
        2,
      );
    }
  }
}

/** Waits until each store was seen to hold what lnd has. */
async function untilLevel({ states }: ChangingLnd, places: readonly StorePlace[]): Promise<void> {
  for (const { name, told, observed } of places) {
    await waitFor(
      `${name} to hold what lnd has`,
      async () => {
        await observed.read();
        const held = observed.reads.at(-1)?.channels;
        return held !== undefined && states.indexOf(held) === states.newest ? true : undefined;
      },
      { ...eventually, details: () => JSON.stringify(told.slice(-10), null, 1) },
    );
  }
}

const verdictSchema = z.object({
  event: z.literal("verdict"),
  at: z.string(),
  verdict: z.string(),
  findings: z.array(z.object({ code: z.string(), level: z.string(), store: z.string() })),
});

function toldBy(event: CliEvent): readonly ToldVerdict[] {
  const { data } = verdictSchema.safeParse(event);
  if (data === undefined) return [];
  const findings = data.findings.map(({ code, level, store }) => `${level} ${code} (${store})`);
  return [{ atMs: Date.parse(data.at), verdict: data.verdict, findings: findings.join("; ") }];
}

async function watchReadyz(url: string, told: ToldVerdict[], signal: AbortSignal): Promise<void> {
  for (; !signal.aborted; await delay(100)) {
    const answer = await fetch(url);
    const [verdict = "", ...findings] = (await answer.text()).trim().split("\n");
    assert.equal(answer.ok, verdict === "safe", `${answer.status}: ${verdict}`);
    told.push({ atMs: Date.now(), verdict, findings: findings.join("; ") });
  }
}
