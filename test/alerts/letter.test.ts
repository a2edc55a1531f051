import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { letterOf } from "../../src/alerts/letter.ts";
import { type FindingCode, findingKinds } from "../../src/checks/finding.ts";
import { unprintable } from "../../src/runtime/foreign-text.ts";
import { programVersion } from "../../src/runtime/version.ts";
import { found, tolerated, troubled } from "./findings.ts";

const options = { id: "01M8MYTJDENQNFHJ71F9DK4F0A", details: false, host: "pi" };
const point = `${"ab".repeat(32)}:1`;
const node = `03${"ab".repeat(32)}`;

describe("what a message says", () => {
  it("names node, store, what happened, since when, and what to type", () => {
    const away = "the node's last state isn't saved: S3 asks to come back later";
    const message = troubled(
      "alert",
      { ...found("not-saved", "s3://bucket?endpoint=http://minio:9000", away), times: 4 },
      { ...found("node-unread", "s3://bucket", "lnd is away"), state: "still" },
      { ...found("refused"), state: "over" },
    );
    const { title, body } = letterOf(message, options);
    assert.equal(title, "scb-mirror: alice is NOT SAFE: not-saved");
    assert.equal(
      body,
      `What is wrong:
- alice in s3://bucket?endpoint=http://minio:9000: not-saved, since 2026-11-30 01:00 UTC (7 min, 4 times): the node's last state isn't saved: S3 asks to come back later
  What to do: fix what the mirror says it is waiting for

Still wrong:
- alice: node-unread, since 2026-11-30 01:00 UTC (7 min): lnd is away
  What to do: check that it runs, and that the macaroon allows the calls (scb-mirror doctor)

Over:
- alice in s3://bucket/lightning: refused (it began 2026-11-30 01:00 UTC)

To see everything:
  scb-mirror status --to 's3://bucket?endpoint=http://minio:9000' --node alice
  scb-mirror status --to s3://bucket --node alice

Sent 2026-11-30 01:07 UTC by scb-mirror/${programVersion} on pi.`,
    );
  });

  it("has a title for each kind", () => {
    const titles = [
      troubled("alert", found("refused")),
      troubled("alert", found("node-unread")),
      { ...troubled("alert", found("went-back")), verdict: "safe" } as const,
      troubled("alert", tolerated("not-saved")),
      troubled("over", tolerated("not-saved")),
      troubled("reminder", found("refused")),
      troubled("over", found("refused")),
      { ...troubled("over", found("refused")), verdict: "unknown" } as const,
      troubled("test"),
      troubled("alert", { ...found("stale"), node }),
      troubled("alert", found("stale"), { ...found("stale"), node }),
    ].map((message) => letterOf(message, options).title);
    assert.deepEqual(titles, [
      "scb-mirror: alice is NOT SAFE: refused",
      "scb-mirror: alice is NOT KNOWN to be safe: node-unread",
      "scb-mirror: alice: went-back, over since",
      "scb-mirror: alice is safe, with a copy less: not-saved",
      "scb-mirror: alice is safe: not-saved is over",
      "scb-mirror: alice is still NOT SAFE: refused",
      "scb-mirror: alice is safe again: refused is over",
      "scb-mirror: refused is over; alice is still NOT KNOWN to be safe",
      "scb-mirror: this is a test",
      "scb-mirror: 03abababab… is NOT SAFE: stale",
      "scb-mirror: 2 nodes are NOT SAFE: stale",
    ]);
  });

  it("never says safe of what isn't", () => {
    for (const code of Object.keys(findingKinds) as FindingCode[]) {
      if (findingKinds[code].level === "warning") continue;
      for (const kind of ["alert", "reminder"] as const) {
        const { title } = letterOf(troubled(kind, found(code)), options);
        assert.match(title, /NOT SAFE|NOT KNOWN/);
      }
    }
  });

  it("says of a store that it is tolerated", () => {
    const { body } = letterOf(troubled("alert", tolerated("not-saved")), options);
    assert.match(body, /not-saved \(tolerated by --require\), since/);
  });

  it("tells no channel point and no amount, unless it is asked to", () => {
    const text = `1,250,000 sat of 2 channels (${point}, 800000x12x1) would be lost, 0.0125 BTC, 12 sats, 500msat`;
    const message = troubled("alert", found("limbo-not-covered", undefined, text));
    const told = JSON.stringify(letterOf(message, options));
    for (const detail of [point, "800000x12x1", "1,250,000", "0.0125", "12 sats", "500"]) {
      assert.ok(!told.includes(detail), `${detail} is in ${told}`);
    }
    const all = letterOf(message, { ...options, details: true });
    assert.ok(all.body.includes(text));
  });

  it("has no characters that steer a terminal or add a header, and bounds", () => {
    const evil = found(
      "refused",
      "s3://b\u001b[31m\r\nBcc: all@example.org",
      `\u202e${"x".repeat(9_999)}`,
    );
    const many = Array.from({ length: 500 }, (_, at) => found("gap", `s3://bucket-${at}`));
    const { title, body, json } = letterOf(troubled("alert", evil, ...many), options);
    for (const line of [title, ...body.split("\n")]) assert.doesNotMatch(line, unprintable);
    assert.ok(body.length < 8_000, `${body.length}`);
    assert.ok(JSON.stringify(json).length < 30_000);
    assert.match(body, /and 491 more/);
  });
});
