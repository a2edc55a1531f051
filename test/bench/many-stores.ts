/**
 * What three stores cost one mirror of a real lnd, beside a mirror into one such store: from lnd's event
 * to the commit in the slowest of them, over lines with latency, and the memory that is taken. The two
 * take turns on the same lnd.
 */
import { ChangingLnd } from "../support/changing-lnd.ts";
import { mirrorInto, StorePlace } from "../support/store-place.ts";
import { savedMs } from "../support/stores-judge.ts";
import { figure, median, printReport, quantile } from "./report.ts";
import { residentMb } from "./resident.ts";

const events = Number(process.argv[2] ?? 60);
const latencyMs = Number(process.argv[3] ?? 20);
const eventsATurn = 12;
const goalRatio = 1.15;
const goalMb = 120;

await using stack = new AsyncDisposableStack();
const lnd = stack.use(await ChangingLnd.start());
const { states } = lnd;
const places: StorePlace[] = [];
for (const name of ["one", "two", "three"]) {
  places.push(stack.use(await StorePlace.start(name, lnd, { latencyMs })));
}

/** Those of a mirror into so many stores. */
const turns = new Map<number, { readonly states: number[]; mb: number }>();
for (const stores of [1, 3]) turns.set(stores, { states: [], mb: 0 });
while ([...turns.values()].some((turn) => turn.states.length < events)) {
  for (const [stores, turn] of turns) {
    await using run = await mirrorInto(places.slice(0, stores), lnd, [
      ...["--macaroonpath", lnd.node.adminMacaroonPath],
      ...["--min-interval", "1ms", "--drill-interval", "off"],
    ]);
    // Past the mirror's second look at lnd, which is no event.
    await lnd.change();
    await lnd.change();
    const from = states.newest;
    while (states.newest < from + eventsATurn) await lnd.change();
    for (let state = from + 1; state <= states.newest; state += 1) turn.states.push(state);
    turn.mb = Math.max(turn.mb, residentMb(run.child.pid));
    await run.end();
  }
}

const timelines = await Promise.all(places.map((place) => place.timeline(lnd)));
const times = [...turns].map(([stores, turn]) =>
  turn.states.map(
    (state) => savedMs(timelines.slice(0, stores), state, stores) - (states.atMs[state] ?? 0),
  ),
);
const oneMs = median(times[0] ?? []);
printReport(
  `From a real lnd's event to the commit in the slowest store, ${latencyMs} ms of latency each (goals: ratio ${goalRatio}, ${goalMb} MB)`,
  ["stores", "events", "median", "p95", "ratio", "memory"],
  [...turns].map(([stores, { mb }], index) => {
    const ms = times[index] ?? [];
    return [
      String(stores),
      String(ms.length),
      figure(median(ms), "ms"),
      figure(quantile(ms, 0.95), "ms"),
      (median(ms) / oneMs).toFixed(2),
      figure(mb, "MB"),
    ];
  }),
);
