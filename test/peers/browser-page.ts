import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { provisionBrowser } from "./browser.ts";
import { startChild } from "./child.ts";
import { waitFor } from "./wait-for.ts";

/** How a page is looked at. */
export interface Viewing {
  readonly widthPx: number;
  readonly heightPx: number;
  readonly scheme: "light" | "dark";
}

/** One tab of a real Chromium without a window, driven over the DevTools protocol. */
export interface BrowserPage extends AsyncDisposable {
  view(viewing: Viewing): Promise<void>;
  /** Resolves when the page has loaded. */
  open(url: string): Promise<void>;
  /** The value of an expression in the page, as JSON has it. A promise is awaited. */
  evaluate(expression: string): Promise<unknown>;
  /** The whole page, however long, as PNG. */
  screenshot(): Promise<Buffer>;
  press(key: "Tab"): Promise<void>;
  /** What the browser complained about: policy violations, failed requests. */
  readonly complaints: readonly string[];
}

const deadlineMs = 30_000;

export async function startBrowserPage(): Promise<BrowserPage> {
  await provisionBrowser();
  const folder = await mkdtemp(join(tmpdir(), "scb-browser-"));
  const flags = [
    ...["--headless", "--disable-gpu", "--no-first-run", "--hide-scrollbars"],
    // A test's machine may have no user namespaces, and be root; the page is our own.
    ...["--no-sandbox", `--user-data-dir=${folder}`, "--remote-debugging-port=0", "about:blank"],
  ];
  const child = await startChild("chromium", "chromium", flags, { logPath: join(folder, "log") });
  const portFile = join(folder, "DevToolsActivePort");
  const port = await waitFor(
    "Chromium",
    // The file exists before it has any content.
    () =>
      existsSync(portFile) ? /^\d+(?=\n)/.exec(readFileSync(portFile, "utf8"))?.[0] : undefined,
    { timeoutMs: deadlineMs, everyMs: 50, details: child.logTail, hopeless: child.ended },
  );
  const targets: unknown = await (await fetch(`http://127.0.0.1:${port}/json/list`)).json();
  const protocol = await connected(debuggerUrlOf(targets));
  const complaints: string[] = [];
  protocol.on("Log.entryAdded", ({ entry }) => complaints.push(JSON.stringify(entry)));
  for (const domain of ["Page", "Runtime", "Log"]) await protocol.send(`${domain}.enable`);
  return {
    complaints,
    async view({ widthPx, heightPx, scheme }) {
      const size = { width: widthPx, height: heightPx, deviceScaleFactor: 1 };
      const mobile = widthPx < 600;
      await protocol.send("Emulation.setDeviceMetricsOverride", { ...size, mobile });
      const features = [{ name: "prefers-color-scheme", value: scheme }];
      await protocol.send("Emulation.setEmulatedMedia", { features });
    },
    async open(url) {
      const loaded = protocol.once("Page.loadEventFired");
      await protocol.send("Page.navigate", { url });
      await loaded;
    },
    async evaluate(expression) {
      const options = { expression, awaitPromise: true, returnByValue: true };
      const { result, exceptionDetails } = await protocol.send("Runtime.evaluate", options);
      if (exceptionDetails !== undefined) throw new Error(JSON.stringify(exceptionDetails));
      return field(result, "value");
    },
    async screenshot() {
      const { data } = await protocol.send("Page.captureScreenshot", {
        captureBeyondViewport: true,
      });
      return Buffer.from(String(data), "base64");
    },
    async press(key) {
      const event = { key, code: key, windowsVirtualKeyCode: 9 };
      for (const type of ["keyDown", "keyUp"]) {
        await protocol.send("Input.dispatchKeyEvent", { type, ...event });
      }
    },
    async [Symbol.asyncDispose]() {
      protocol.close();
      await child.stop("SIGKILL");
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

type Message = Readonly<Record<string, unknown>>;

interface Protocol {
  send(method: string, params?: Message): Promise<Message>;
  on(method: string, hear: (params: Message) => void): void;
  once(method: string): Promise<void>;
  close(): void;
}

async function connected(url: string): Promise<Protocol> {
  const socket = new WebSocket(url);
  await new Promise((resolve, reject) => {
    socket.addEventListener("open", resolve);
    socket.addEventListener("error", reject);
  });
  const waiting = new Map<unknown, (message: Message) => void>();
  const hearers: (readonly [string, (params: Message) => void])[] = [];
  socket.addEventListener("message", ({ data }) => {
    const message: Message = JSON.parse(String(data));
    waiting.get(message["id"])?.(message);
    for (const [method, hear] of hearers) {
      if (method === message["method"]) hear(Object(message["params"]));
    }
  });
  let id = 0;
  return {
    async send(method, params = {}) {
      id += 1;
      const own = id;
      const answered = new Promise<Message>((resolve) => waiting.set(own, resolve));
      socket.send(JSON.stringify({ id, method, params }));
      const { result, error } = await inTime(method, answered);
      waiting.delete(own);
      if (error !== undefined) throw new Error(`${method}: ${JSON.stringify(error)}`);
      return Object(result);
    },
    on: (method, hear) => hearers.push([method, hear]),
    once: (method) =>
      inTime(method, new Promise<void>((resolve) => hearers.push([method, () => resolve()]))),
    close: () => socket.close(),
  };
}

function inTime<T>(what: string, promise: Promise<T>): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(new Error(`${what}: no answer in time`)), deadlineMs);
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

function debuggerUrlOf(targets: unknown): string {
  const pages = Array.isArray(targets) ? targets : [];
  const page: unknown = pages.find((target) => field(target, "type") === "page");
  return String(field(page, "webSocketDebuggerUrl"));
}

function field(value: unknown, name: string): unknown {
  return typeof value === "object" && value !== null
    ? Object.entries(value).find(([key]) => key === name)?.[1]
    : undefined;
}
