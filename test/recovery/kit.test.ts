import assert from "node:assert/strict";
import { describe, it } from "node:test";
import decodeQr from "qr/decode.js";
import { makeKit } from "../../src/recovery/kit/kit.ts";
import { kitToHtml } from "../../src/recovery/kit/kit-html.ts";
import { kitToText } from "../../src/recovery/kit/kit-text.ts";
import { kitCases, kitFacts } from "./kit-world.ts";

/** Draws the SVG's one path at eight pixels a square, and reads it as a scanner would. */
function scanned(html: string): string {
  const size = Number(/viewBox="0 0 (\d+) /.exec(html)?.[1]);
  const scale = 8;
  const pixels = new Uint8ClampedArray((size * scale) ** 2 * 4).fill(255);
  for (const [, x, y] of html.matchAll(/M(\d+) (\d+)h1v1h-1z/g)) {
    for (let at = 0; at < scale * scale; at++) {
      const column = Number(x) * scale + (at % scale);
      const row = Number(y) * scale + Math.floor(at / scale);
      pixels.fill(0, (row * size * scale + column) * 4, (row * size * scale + column) * 4 + 3);
    }
  }
  return decodeQr({ width: size * scale, height: size * scale, data: pixels });
}

describe("the recovery kit", () => {
  for (const [name, facts] of kitCases) {
    const kit = makeKit(facts);
    const [html, text] = [kitToHtml(kit), kitToText(kit)];

    it(`${name}: the QR code says the address`, () => assert.equal(scanned(html), facts.to));

    it(`${name}: loads nothing and runs nothing`, () => {
      assert.doesNotMatch(
        html,
        /<script|<link|<img|<iframe|\ssrc=|\shref=|url\(|@import|\son\w+=/i,
      );
      assert.match(html, /Content-Security-Policy" content="default-src 'none'/);
    });

    it(`${name}: both forms say the same`, () => {
      const plain = (from: string): string => from.replaceAll(/\s+/g, "");
      const shown = html
        .replaceAll(/<style>.*?<\/style>|<svg.*?<\/svg>|<[^>]+>/gs, "")
        .replaceAll("&#39;", "'")
        .replaceAll("&quot;", '"')
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&amp;", "&");
      for (const { title, blocks } of kit.sections) {
        const said = blocks.flatMap((block) =>
          block.kind === "text" ? [block.text] : block.lines,
        );
        for (const line of [title, ...said]) {
          assert.ok(plain(shown).includes(plain(line)), `HTML: ${line}`);
          assert.ok(plain(text).includes(plain(line)), `text: ${line}`);
        }
      }
    });

    it(`${name}: no line of text is too long for paper, but for commands and addresses`, () => {
      for (const line of text.split("\n")) {
        const isFree = line.startsWith("       ") || /^(Node|Backups|Another copy):/.test(line);
        assert.ok(isFree || line.length <= 80, line);
      }
    });
  }

  it("tells of the last drill, or that there was none", () => {
    const lastDrill = kitFacts.lastDrill;
    assert.ok(lastDrill !== null);
    const said = (drill: typeof kitFacts.lastDrill): string =>
      kitToText(makeKit({ ...kitFacts, lastDrill: drill }));
    assert.match(said(lastDrill), /Last drill: +2026-11-21 08:30 UTC: a restore would have worked/);
    assert.match(
      said({ ...lastDrill, ok: false, verdict: "would-not-restore" }),
      /NOT have worked/,
    );
    assert.match(said(null), /Last drill: +never: run scb-mirror drill/);
  });

  it("calls nothing the newest that wasn't seen to be, and says why", () => {
    assert.match(kitToText(makeKit(kitFacts)), /Newest when printed: +sequence 41/);
    const doubts = ["one thing", "x".repeat(500), "another"];
    const text = kitToText(makeKit({ ...kitFacts, isNewest: false, doubts }));
    assert.match(text, /Current when printed: +sequence 41/);
    assert.doesNotMatch(text, /Newest when printed/);
    assert.match(
      text,
      /NOT safe when this was printed\n +one thing;\s+x{20,}…;\s+1 more\. Fix\s+this/,
    );
  });

  it("names what is needed besides, as it is copied and restored", () => {
    const also = [3, 5, 7, 9].map((n) => `versions/${`${n}`.padStart(20, "0")}-A.backup`);
    const text = kitToText(makeKit({ ...kitFacts, also }));
    const restored = [...text.matchAll(/restorechanbackup --multi_file=(\S+)/g)].map(
      ([, it]) => it,
    );
    assert.deepEqual(
      restored,
      ["", ".also-1", ".also-2", ".also-3"].map((name) => `channel${name}.backup`),
    );
    assert.ok(text.includes(`A="${also.slice(0, 3).join(" ")}"`));
    assert.match(text.replaceAll(/\s+/g, " "), /listed the keys in A \(the first 3 of 4\)/);
    assert.match(kitToText(makeKit(kitFacts)), /"alsoRestore", copy each/);
  });

  it("ends with the rescan", () => {
    assert.match(
      kitToText(makeKit({ ...kitFacts, network: "signet" })),
      /lncli --network=signet stop\n +lnd --reset-wallet-transactions\n +lncli --network=signet unlock --recovery_window=2500/,
    );
  });

  it("names the network to lncli, but not the default one", () => {
    const commandsOf = (network: typeof kitFacts.network) =>
      kitToText(makeKit({ ...kitFacts, network })).match(/lncli .*/g);
    assert.ok(commandsOf("signet")?.every((line) => !/^lncli (create|restore)/.test(line)));
    assert.ok(commandsOf("mainnet")?.every((line) => !line.includes("--network")));
  });
});
