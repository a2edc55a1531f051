import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { pageAnswer } from "../../src/watched/page/page.ts";
import type { Watched } from "../../src/watched/record.ts";
import { pageStories } from "./page-stories.ts";
import { bucket, finding, momentAt, started, swapped, told, verdict } from "./story.ts";

const read = { kind: "confirmed", store: bucket } as const;

function answer(watched: Watched, afterMs = 60_000, query = "") {
  return pageAnswer(watched, momentAt(afterMs), new URLSearchParams(query));
}

/** What a reader sees, without markup. */
function textOf(watched: Watched, afterMs?: number): string {
  const { body } = answer(watched, afterMs);
  const [, shown = ""] = /<body[^>]*>(.*)<\/body>/s.exec(body) ?? [];
  return shown.replaceAll(/<[^>]*>/g, " ").replaceAll(/\s+/g, " ");
}

describe("the page", () => {
  it("says safe for the verdict safe, and for nothing else", () => {
    const headline = (watched: Watched) => /<h1>(.*)<\/h1>/.exec(answer(watched).body)?.[1];
    const proved = [started, swapped(5, ["aa:0"]), read] as const;
    assert.equal(headline(told(...proved, verdict())), "Safe");
    assert.equal(headline(told(...proved)), "Not known");
    assert.equal(
      headline(told(...proved, verdict(), verdict(finding("node-unread")))),
      "Not known",
    );
    assert.equal(headline(told(...proved, verdict(), verdict(finding("refused")))), "Not safe");
  });

  it("says how old its evidence is, while the store hangs", () => {
    const known = told(started, swapped(5, null), read, verdict(), {
      kind: "waiting",
      subject: bucket,
      sinceMs: 0,
    });
    assert.match(textOf(known, 9 * 60_000), /read back 8 minutes ago/);
  });

  it("says what to do, with the command to type", () => {
    const { body } = answer(told(started, verdict(finding("refused", "it is empty"))));
    const command = "scb-mirror accept --to s3://bucket/lightning --node alice --from lnd";
    assert.ok(body.includes(`<code>${command}</code>`));
  });

  it("quotes for the shell what a store's name has in it", () => {
    const store = "file:///mnt/it's here; rm -rf";
    const event = verdict({ ...finding("gap"), store })[1];
    assert.ok(event !== undefined);
    const { body } = answer(told({ ...started, store }, event));
    assert.ok(body.includes("--to &#39;file:///mnt/it&#39;\\&#39;&#39;s here; rm -rf&#39;"));
  });

  it("escapes whatever comes from outside", () => {
    const evil = `<script>alert(1)</script>"'&\u001b[31m\u202e`;
    const { body } = answer(
      told(
        { ...started, node: evil, source: evil, store: evil },
        {
          ...swapped(5, [evil]),
          store: evil,
          latest: { ...swapped(5, null).latest, writer: evil },
        },
        { kind: "retrying", store: evil, code: evil, message: evil },
        { kind: "retrying", store: null, code: evil, message: evil },
        { kind: "refused", store: evil, code: evil, message: evil, quarantineKey: evil },
        { kind: "lost", store: evil, message: evil },
        { kind: "waiting", subject: evil, sinceMs: 0 },
        {
          kind: "verdict",
          store: null,
          verdict: "unknown",
          findings: [{ ...finding("gap", evil), remedy: evil, store: evil }],
        },
      ),
    );
    for (const raw of ["<script", "\u001b", "\u202e"]) assert.ok(!body.includes(raw), raw);
    assert.doesNotMatch(body.replaceAll(/<style>.*<\/style>/gs, ""), /"'&/);
  });

  it("comes again by itself, unless the reader doesn't want it to", () => {
    const safe = told(started, verdict());
    assert.equal(answer(safe).headers?.["refresh"], "15");
    assert.equal(answer(safe, 60_000, "refresh=off").headers?.["refresh"], undefined);
  });

  it("loads nothing and runs nothing, and its policy says so", () => {
    for (const { watched, now } of Object.values(pageStories)) {
      const { body, headers } = pageAnswer(watched, now, new URLSearchParams());
      assert.doesNotMatch(body, /<script|src=|@import|url\(|https?:\/\/(?!www\.w3\.org)/);
      assert.match(
        headers?.["content-security-policy"] ?? "",
        /^default-src 'none'; style-src 'sha256-/,
      );
      assert.doesNotMatch(headers?.["content-security-policy"] ?? "", /unsafe/);
    }
  });

  it("stays small, whatever has happened", () => {
    for (const { watched, now } of Object.values(pageStories)) {
      assert.ok(pageAnswer(watched, now, new URLSearchParams()).body.length < 40_000);
    }
  });
});
