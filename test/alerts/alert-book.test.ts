import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { AlertBook } from "../../src/alerts/alert-book.ts";
import type { AlertMessage } from "../../src/alerts/alert-message.ts";
import { type LocatedFinding, subjectOf } from "../../src/alerts/situation.ts";
import { found, situation, tolerated } from "./findings.ts";

const secondMs = 1_000;
const minuteMs = 60 * secondMs;
const hourMs = 60 * minuteMs;
const dayMs = 24 * hourMs;
const startMs = Date.UTC(2026, 10, 30);

/** At so many milliseconds, these findings begin to be so. */
type Timeline = readonly (readonly [atMs: number, ...found: readonly LocatedFinding[]])[];

interface Sent {
  readonly atMs: number;
  readonly message: AlertMessage;
}

/** Lives through a timeline, one second a step. */
function live(timeline: Timeline, untilMs: number, notifyAfterMs = 5 * minuteMs): Sent[] {
  const book = new AlertBook(notifyAfterMs);
  const sent: Sent[] = [];
  const steps = [...timeline];
  let now: readonly LocatedFinding[] = [];
  for (let atMs = 0; atMs <= untilMs; atMs += secondMs) {
    const moment = { monotonicMs: atMs, wallMs: startMs + atMs };
    for (let next = steps[0]; next !== undefined && next[0] <= atMs; next = steps[0]) {
      now = next.slice(1) as LocatedFinding[];
      book.see(situation(...now), moment);
      steps.shift();
    }
    book.see(situation(...now), moment);
    const message = book.take(moment);
    if (message !== null) sent.push({ atMs, message });
  }
  return sent;
}

/** "5m alert not-saved(new)": one line a message. */
function story(sent: readonly Sent[]): string[] {
  return sent.map(({ atMs, message }) => {
    const codes = message.troubles.map(({ finding, state }) => `${finding.code}(${state})`);
    return `${atMs / minuteMs}m ${message.kind} ${codes.join(" ")}`;
  });
}

const second = secondMs / minuteMs;

describe("what is told when", () => {
  const cases: readonly [string, Timeline, untilMs: number, readonly string[]][] = [
    ["nothing, if nothing is wrong", [[0]], hourMs, []],
    [
      "a refusal at once, and its end",
      [[0], [minuteMs, found("refused")], [10 * minuteMs]],
      hourMs,
      [`${1 + second}m alert refused(new)`, "15m over refused(over)"],
    ],
    [
      "what was lost and healed at once",
      [
        [minuteMs, found("went-back"), found("unproved")],
        [minuteMs, found("went-back")],
        [minuteMs],
      ],
      hourMs,
      [`${1 + second}m alert went-back(new)`, `6m over went-back(over)`],
    ],
    [
      "not a store that is away for less than five minutes",
      [[minuteMs, found("not-saved")], [5 * minuteMs]],
      hourMs,
      [],
    ],
    [
      "a store that stays away, once",
      [
        [0, found("not-saved")],
        [12 * minuteMs, found("not-saved"), found("unproved")],
        [2 * hourMs],
      ],
      3 * hourMs,
      ["5m alert not-saved(new)", "125m over not-saved(over) unproved(over)"],
    ],
    [
      "what has just begun together with what is due",
      [
        [0, found("not-saved")],
        [4 * minuteMs, found("not-saved"), found("node-unread")],
        [hourMs, found("node-unread")],
        [hourMs + 2 * minuteMs],
      ],
      2 * hourMs,
      ["5m alert not-saved(new) node-unread(new)", "67m over not-saved(over) node-unread(over)"],
    ],
    [
      "what comes later by itself, and what is still so beside it",
      [
        [0, found("not-saved")],
        [hourMs, found("not-saved"), found("refused")],
      ],
      2 * hourMs,
      ["5m alert not-saved(new)", `${60 + second}m alert refused(new) not-saved(still)`],
    ],
    [
      "the end of one within the hour, if others go on",
      [
        [0, found("not-saved"), found("refused")],
        [10 * minuteMs, found("refused")],
        [20 * minuteMs, found("refused")],
      ],
      2 * hourMs,
      [`${second}m alert refused(new) not-saved(new)`, "70m over refused(still) not-saved(over)"],
    ],
    [
      "each day what is still so",
      [[0, found("refused")]],
      2 * dayMs + hourMs,
      [
        `${second}m alert refused(new)`,
        `${1440 + second}m reminder refused(still)`,
        `${2880 + second}m reminder refused(still)`,
      ],
    ],
    ["no warning", [[0, found("restored")]], dayMs, []],
    [
      "a store that --require tolerates, its end, and no reminder",
      [[0, tolerated("not-saved")], [3 * dayMs]],
      4 * dayMs,
      ["5m alert not-saved(new)", "4325m over not-saved(over)"],
    ],
    [
      "what a tolerated store lost, at once",
      [[minuteMs, tolerated("version-missing")], [2 * minuteMs]],
      hourMs,
      [`${1 + second}m alert version-missing(new)`, "7m over version-missing(over)"],
    ],
    [
      "the end of one though a tolerated store goes on, which is no less tolerated for that",
      [
        [0, found("not-saved", "a"), tolerated("not-saved", "b")],
        [10 * minuteMs, tolerated("not-saved", "b")],
      ],
      2 * hourMs,
      ["5m alert not-saved(new) not-saved(new)", "15m over not-saved(still) not-saved(over)"],
    ],
    [
      "the node's own trouble once, whichever store it was seen with",
      [[0, found("node-unread", "a"), found("node-unread", "b")]],
      hourMs,
      ["5m alert node-unread(new) node-unread(new)"],
    ],
    [
      "two stores that are away as two things in one message",
      [[0, found("not-saved", "a"), found("not-saved", "b")]],
      hourMs,
      ["5m alert not-saved(new) not-saved(new)"],
    ],
  ];
  for (const [name, timeline, untilMs, expected] of cases) {
    it(name, () => assert.deepEqual(story(live(timeline, untilMs)), expected));
  }

  it("a state that flaps once, and its end once it has been quiet", () => {
    const flapping = Array.from({ length: 60 }, (_, at): Timeline[number] =>
      at % 2 === 0 ? [at * minuteMs, found("not-saved")] : [at * minuteMs],
    );
    assert.deepEqual(story(live(flapping, 3 * hourMs)), [
      "6m alert not-saved(new)",
      "64m over not-saved(over)",
    ]);
  });

  it("two blips five minutes apart are nothing that a person has to hear of", () => {
    const blips: Timeline = [
      [0, found("node-unread")],
      [10 * secondMs],
      [295 * secondMs, found("node-unread")],
      [305 * secondMs],
    ];
    assert.deepEqual(live(blips, hourMs), []);
  });

  it("no subject more than six times an hour, and then what was held back", () => {
    // Each time it is quiet for long enough to be over, and comes again.
    const coming = Array.from({ length: 120 }, (_, at): Timeline[number] =>
      at % 2 === 0 ? [at * 6 * secondMs, found("refused")] : [at * 6 * secondMs],
    );
    const sent = live(coming, 3 * hourMs, 2 * secondMs);
    for (const { atMs } of sent) {
      const within = sent.filter((other) => other.atMs <= atMs && atMs - other.atMs < hourMs);
      assert.ok(within.length <= 6, `${within.length} messages in an hour`);
    }
    assert.equal(sent.at(-1)?.message.kind, "over");
  });

  it("a refusal that was over while it was held back is still told", () => {
    const coming: Timeline[number][] = [];
    for (let at = 0; at < 6; at += 1) {
      coming.push([at * 10 * secondMs, found("refused")], [(at * 10 + 5) * secondMs]);
    }
    const sent = live(coming, 2 * hourMs, 2 * secondMs);
    assert.equal(sent.length, 8, story(sent).join("\n"));
  });

  it("says since when by the clock that people read, though that clock jumps", () => {
    const book = new AlertBook(5 * minuteMs);
    book.see(situation(found("not-saved")), { monotonicMs: 0, wallMs: startMs });
    const late = { monotonicMs: 6 * minuteMs, wallMs: startMs + dayMs };
    book.see(situation(found("not-saved")), late);
    const message = book.take(late);
    assert.equal(message?.troubles[0]?.since, startMs + dayMs - 6 * minuteMs);
    assert.equal(book.take({ ...late, wallMs: startMs + 40 * dayMs }), null);
  });

  it("whatever happens: six an hour at most, no end without a beginning, nothing serious untold", () => {
    const codes = ["refused", "went-back", "not-saved", "node-unread", "unproved"] as const;
    const step = fc.tuple(
      fc.integer({ min: 1, max: 20 * 60 }),
      fc.uniqueArray(fc.constantFrom(...codes), { maxLength: 3 }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
        let atMs = 0;
        const serious = new Set<string>();
        const timeline = steps.map(([seconds, found_]): Timeline[number] => {
          atMs += seconds * secondMs;
          const all = found_.map((code) => found(code));
          for (const one of all) {
            if (["refused", "went-back"].includes(one.finding.code)) serious.add(subjectOf(one));
          }
          return [atMs, ...all];
        });
        const sent = live(timeline, atMs + 2 * hourMs);
        const open = new Set<string>();
        const times = new Map<string, number[]>();
        for (const { atMs: sentMs, message } of sent) {
          for (const trouble of new Map(
            message.troubles.map((it) => [subjectOf(it), it]),
          ).values()) {
            const subject = subjectOf(trouble);
            assert.equal(open.has(subject), trouble.state !== "new", subject);
            if (trouble.state === "over") open.delete(subject);
            else open.add(subject);
            serious.delete(subject);
            times.set(subject, [...(times.get(subject) ?? []), sentMs]);
          }
        }
        for (const all of times.values()) {
          for (const end of all) {
            assert.ok(all.filter((it) => it <= end && end - it < hourMs).length <= 6);
          }
        }
        assert.deepEqual([...serious], []);
      }),
      { numRuns: 100 },
    );
  });
});
