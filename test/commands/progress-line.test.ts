import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ProgressLine } from "../../src/commands/progress-line.ts";
import { ManualClock, settled } from "../chanbackup/sub-swapper-fakes.ts";

const eraseLine = "\r\u001b[K";

/** A screen of one line, which remembers each write. */
function screen({ isTTY = true, columns = 80 } = {}) {
  const writes: string[] = [];
  return {
    isTTY,
    columns,
    writes,
    write: (text: string) => writes.push(text),
    line: () => writes.at(-1)?.replace(eraseLine, ""),
  };
}

describe("the progress line", () => {
  it("shows nothing for two seconds, then what is under way and for how long", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading the stores" });
    await clock.advance(1_999);
    assert.deepEqual(stream.writes, []);
    await clock.advance(1);
    assert.equal(stream.line(), "reading the stores, 2 s");
    progress.show(null);
    assert.equal(stream.writes.at(-1), eraseLine);
    await settled();
    assert.deepEqual(clock.sleepsMs, []);
  });

  it("leaves no trace of what ends before", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading", done: 1, total: 2 });
    await clock.advance(1_000);
    progress.show(null);
    await clock.advance(10_000);
    assert.deepEqual(stream.writes, []);
    assert.deepEqual(clock.sleepsMs, []);
  });

  it("shows counts, and how long the rest will take", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading versions back", done: 0, total: 100 });
    await clock.advance(2_000);
    assert.equal(stream.line(), "reading versions back: 0 of 100 [--------------------] 0 %");
    progress.show({ what: "reading versions back", done: 25, total: 100 });
    await clock.advance(8_000);
    assert.equal(
      stream.line(),
      "reading versions back: 25 of 100 [#####---------------] 25 %, about 30 s left",
    );
    progress.show(null);
  });

  it("adds up what is done at once in several stores", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading", done: 10, total: 10, part: "a" });
    progress.show({ what: "reading", done: 5, total: 20, part: "b" });
    await clock.advance(2_000);
    assert.match(stream.line() ?? "", /^reading: 15 of 30 .* 50 %/);
    progress.show({ what: "removing", done: 1, total: 4, part: "a" });
    await clock.advance(250);
    assert.match(stream.line() ?? "", /^removing: 1 of 4 /);
    progress.show(null);
  });

  it("writes four times a second, however often the counts change", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading", done: 0, total: 10_000 });
    await clock.advance(2_000);
    for (let tick = 0; tick < 10; tick++) {
      for (let done = 0; done < 1_000; done++) {
        progress.show({ what: "reading", done: tick * 1_000 + done, total: 10_000 });
      }
      await clock.advance(100);
    }
    progress.show(null);
    assert.ok(stream.writes.length <= 6, String(stream.writes.length));
  });

  it("makes way for other lines, and comes back", async () => {
    const [stream, clock] = [screen(), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "reading" });
    await clock.advance(2_000);
    progress.hide();
    progress.hide();
    assert.equal(stream.writes.at(-1), eraseLine);
    assert.equal(stream.writes.length, 2);
    await clock.advance(250);
    assert.equal(stream.line(), "reading, 2 s");
    progress.show(null);
  });

  it("stays on one line, and shows what a service says as text", async () => {
    const [stream, clock] = [screen({ columns: 20 }), new ManualClock()];
    const progress = new ProgressLine(stream, clock);
    progress.show({ what: "a\u001b[2J\nvery long line of somebody else's" });
    await clock.advance(2_000);
    assert.equal(stream.line(), "a\\x1b[2J\\x0avery lo");
    progress.show(null);
  });

  for (const [name, stream, term] of [
    ["a pipe", screen({ isTTY: false }), "xterm"],
    ["a terminal that can't erase a line", screen(), "dumb"],
  ] as const) {
    it(`is not for ${name}`, async () => {
      const clock = new ManualClock();
      const progress = new ProgressLine(stream, clock, term);
      progress.show({ what: "reading" });
      await clock.advance(10_000);
      progress.hide();
      progress.show(null);
      assert.deepEqual(stream.writes, []);
      assert.deepEqual(clock.sleepsMs, []);
    });
  }
});
