import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { after, before, describe, it } from "node:test";
import { SmallS3 } from "../peers/small-s3.ts";
import { cliPath, runCli, startRun } from "../support/cli.ts";
import { answerAtTerminal } from "../support/pty.ts";

const env = {
  PATH: process.env["PATH"],
  HOME: process.env["HOME"],
  TERM: "xterm",
  NO_COLOR: "1",
  AWS_ACCESS_KEY_ID: "x",
  AWS_SECRET_ACCESS_KEY: "y",
  AWS_REGION: "us-east-1",
  AWS_EC2_METADATA_DISABLED: "true",
};

const controls = "\u001b";
const eraseLine = `\r${controls}[K`;

/** A store that answers a few reads of versions, and keeps the others waiting until it is told. */
async function slowStore() {
  const s3 = new SmallS3();
  let free = Number.POSITIVE_INFINITY;
  let waiting: (() => void)[] = [];
  let asked = (): void => undefined;
  const release = (): void => {
    free = Number.POSITIVE_INFINITY;
    asked = () => undefined;
    for (const answer of waiting) answer();
    waiting = [];
  };
  const server = createServer(async (request, response) => {
    const { method = "GET", url = "/", headers } = request;
    const body: Buffer[] = [];
    for await (const chunk of request) body.push(Buffer.from(chunk));
    const answer = (): void =>
      s3.answer({ method, url, headers, body: Buffer.concat(body) }, response);
    const isSlow = method === "GET" && /\/versions\/\d/.test(url);
    if (!isSlow || free-- > 0) answer();
    else waiting.push(answer);
    if (isSlow && waiting.length === 1) asked();
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    to: `s3://bucket?endpoint=http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Only so many versions are given, until `release`. */
    hold: (versions: number): void => {
      free = versions;
    },
    /** None is given for so long from the first request on: longer than it takes to see progress. */
    holdFor: (ms: number): void => {
      free = 0;
      asked = () => setTimeout(release, ms);
    },
    release,
    close: (): void => {
      server.closeAllConnections();
      server.close();
    },
  };
}

describe("a command that takes its time", () => {
  let store: Awaited<ReturnType<typeof slowStore>>;
  before(async () => {
    store = await slowStore();
    await using run = startRun(
      ["--from", "demo", "--demo-interval", "20ms", "--to", store.to, "--node", "demo"],
      { env },
    );
    await run.event(({ event, sequence }) => event === "swapped" && sequence === 6);
    await run.end();
  });
  after(() => store.close());

  const at = (...args: readonly string[]): readonly string[] => {
    const program = [process.execPath, cliPath, ...args, "--to", store.to, "--node", "demo"];
    return ["sh", "-c", 'stty cols 120 && exec "$@"', "sh", ...program];
  };

  it("says at a terminal how far it is, and leaves nothing of that on the screen", async () => {
    store.hold(3);
    const screen = await answerAtTerminal(
      at("verify"),
      [{ prompt: /reading versions back: 3 of \d+ \[#+-+\] \d+ %/, act: store.release }],
      { timeoutMs: 60_000, env },
    );
    assert.match(screen, /reading versions back: 3 of \d+/);
    assert.ok(screen.includes(`${eraseLine}demo: no problem`), screen);
    // Of colours, and of all else that a terminal is told, only the erasing of the line.
    assert.equal(screen.replaceAll(eraseLine, "").includes(controls), false);
  });

  for (const args of [["status"], ["drill"], ["restore", "-o", "-"]]) {
    it(`${args[0]} says what it is doing`, async () => {
      store.hold(0);
      const screen = await answerAtTerminal(
        at(...args),
        [
          {
            prompt: /(?:reading the stores|rehearsing a restore|fetching the backup), \d+ s/,
            act: store.release,
          },
        ],
        { timeoutMs: 60_000, env, code: args[0] === "drill" ? 3 : 0 },
      );
      assert.ok(screen.includes(` s${eraseLine}`), screen);
    });
  }

  it("says nothing of it in a pipe", async () => {
    store.holdFor(2_500);
    const args = ["verify", "--to", store.to, "--node", "demo"];
    const { code, stderr, stdout } = await runCli(args, { env });
    assert.equal(code, 0);
    assert.equal(stderr, "");
    assert.ok(!stdout.includes("reading") && !stdout.includes(controls), stdout);
  });

  it("says nothing of it to who asks for JSON through a pipe", async () => {
    store.holdFor(2_500);
    const script = `"$@" | cat`;
    const screen = await answerAtTerminal(
      [
        "sh",
        "-c",
        script,
        "sh",
        process.execPath,
        cliPath,
        "verify",
        "--json",
        "--to",
        store.to,
        "--node",
        "demo",
      ],
      [],
      { timeoutMs: 60_000, env },
    );
    assert.equal(JSON.parse(screen).ok, true);
  });
});
