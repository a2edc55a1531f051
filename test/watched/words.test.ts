import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { commandFor } from "../../src/watched/page/command.ts";
import { counted, dateText, grouped, shortTime, span } from "../../src/watched/page/words.ts";
import { finding, momentAt } from "./story.ts";

describe("the words of the page", () => {
  const now = momentAt(0);
  const cases: readonly (readonly [string, string])[] = [
    [span(0), "less than a second"],
    [span(1000), "1 second"],
    [span(59_999), "59 seconds"],
    [span(3_600_000), "1 hour"],
    [span(47 * 3_600_000), "47 hours"],
    [span(48 * 3_600_000), "2 days"],
    [grouped(0), "0"],
    [grouped(999), "999"],
    [grouped(1000), "1,000"],
    [grouped(1_234_567), "1,234,567"],
    [counted(1, "channel"), "1 channel"],
    [counted(1200, "channel"), "1,200 channels"],
    [shortTime(999), "999\u00a0ms"],
    [shortTime(1300), "1.3\u00a0s"],
    [dateText(Date.UTC(2026, 0, 5, 7, 8, 9), now), "5 Jan 07:08:09 UTC"],
    [dateText(Date.UTC(2025, 11, 31), now), "31 Dec 2025 00:00:00 UTC"],
  ];
  for (const [text, expected] of cases) it(expected, () => assert.equal(text, expected));
});

describe("the command to type", () => {
  const store = "s3://bucket?endpoint=https://minio.example:9000";
  const cases: readonly (readonly [string, Parameters<typeof commandFor>, string])[] = [
    [
      "is the one that the remedy names",
      [finding("pointer-behind"), "alice", "file /x/channel.backup"],
      "scb-mirror verify --to s3://bucket/lightning --node alice",
    ],
    [
      "is the doctor's if it names none that a person types",
      [finding("not-covered"), null, null],
      "scb-mirror doctor --to s3://bucket/lightning",
    ],
    [
      "asks lnd if the mirror does, and quotes what a shell would read",
      [{ ...finding("node-unread"), store }, "alice", "lnd at localhost:10009"],
      `scb-mirror doctor --to '${store}' --node alice --from lnd`,
    ],
  ];
  for (const [name, args, expected] of cases) {
    it(name, () => assert.equal(commandFor(...args), expected));
  }
});
