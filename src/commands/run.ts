import type { DaemonEvent } from "../app/daemon-event.ts";
import { appendOnlyTexts } from "../app/event-log.ts";
import { runMirror } from "../app/mirror-daemon.ts";
import { RunAlerts } from "../app/run-alerts.ts";
import type { Watching } from "../app/watching.ts";
import { toldOf } from "../checks/finding.ts";
import { hasCode, ScbError } from "../runtime/error.ts";
import { formatHostAndPort } from "../runtime/host-and-port.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { formatSize, type Terminal } from "./terminal.ts";

interface RunOptions {
  readonly once: boolean;
  readonly "accept-empty": boolean;
}

export const runAction: Action<RunOptions> = async (context) => {
  const { terminal, json, options, settings, clock, signal } = context;
  keepHeapSmall();
  const once = options.once;
  const abort = new AbortController();
  const deadline = once ? settings.timeout : settings["shutdown-timeout"];
  // With --once, time runs from the start; otherwise from the signal to stop, for what isn't saved yet.
  const bound = (): void => {
    setTimeout(() => abort.abort(), deadline).unref();
  };
  if (once) bound();
  else if (signal.aborted) bound();
  else signal.addEventListener("abort", bound, { once: true });
  // First, so that a port that is in use is noticed before anything is asked or saved.
  const watching = once ? null : await listening(context);
  const alerts = await RunAlerts.open(context);
  const running = runMirror({
    ...context,
    alerts,
    once,
    watch: watching?.hear,
    acceptEmpty: options["accept-empty"],
    stop: signal,
    abort: once ? AbortSignal.any([abort.signal, signal]) : abort.signal,
    observe: (event) => {
      if (event.kind === "confirmed") return;
      terminal.progress(null);
      if (json) terminal.json(toJson(event, clock.now()));
      else printEvent(event, (settings.to ?? []).length > 1, terminal, clock.now());
    },
  });
  try {
    await running;
    await alerts?.close();
  } catch (error) {
    await alerts?.close(error);
    if (!abort.signal.aborted || !hasCode(error, "aborted")) throw error;
    const limit = `--${once ? "timeout" : "shutdown-timeout"} is ${deadline / 1000} s`;
    throw new ScbError("aborted", `${error.message} (time ran out: ${limit})`, { cause: error });
  } finally {
    await watching?.close();
  }
  return exitCodes.done;
};

/** Loads the page's code only if it is needed. */
async function listening({
  settings,
  clock,
  logger,
  terminal,
  json,
}: ActionContext): Promise<Watching | null> {
  const { listen, "listen-host": listenHosts = [] } = settings;
  if (listen === undefined) return null;
  const { startWatching } = await import("../app/watching.ts");
  const watching = await startWatching({ listen, listenHosts, clock });
  const url = `http://${formatHostAndPort(watching.address)}/`;
  logger.info({ url }, "listening");
  if (!json)
    terminal.line(`${terminal.style("dim", timeOf(clock.now()))} see how it is doing: ${url}`);
  return watching;
}

/** Every event but a look that found everything as it should be. */
type ToldEvent = Exclude<DaemonEvent, { kind: "confirmed" }>;

/** One event as one JSON document: `event`, `at`, and what the contract names. */
function toJson(event: ToldEvent, now: number): Record<string, unknown> {
  const common = {
    event: event.kind,
    at: new Date(now).toISOString(),
    ...(event.store === null ? {} : { store: event.store }),
  };
  switch (event.kind) {
    case "started":
      return {
        ...common,
        node: event.node,
        source: event.source,
        sequence: event.sequence,
        appendOnly: event.appendOnly,
      };
    case "swapped":
      return {
        ...common,
        ...event.commit,
        reason: event.reason,
        attempts: event.attempts,
        elapsedMs: Math.round(event.elapsedMs * 10) / 10,
      };
    case "unchanged":
      return { ...common, reason: event.reason, sequence: event.sequence };
    case "refused":
      return {
        ...common,
        code: event.code,
        message: event.message,
        quarantineKey: event.quarantineKey,
      };
    case "retrying":
      return {
        ...common,
        code: event.error.code,
        message: event.error.message,
        attempt: event.attempt,
        retryInMs: event.retryInMs,
      };
    case "recovered":
      return { ...common, attempts: event.attempts };
    case "lost":
      return { ...common, code: event.error.code, message: event.error.message };
    case "failed":
      return {
        ...common,
        code: event.error.code,
        message: event.error.message,
        retryInMs: event.retryInMs,
      };
    case "levelled":
      return { ...common, from: event.from, versions: event.versions };
    case "verdict": {
      const stores = event.stores.map(({ store, verdict }) => ({ store, verdict }));
      return { ...common, verdict: event.verdict, findings: event.findings, stores };
    }
    case "drilled": {
      const { ok, verdict, problems, version, recordedAs, durationMs } = event.report;
      const sequence = version?.sequence ?? null;
      return { ...common, ok, verdict, problems, sequence, recordedAs, durationMs };
    }
    case "waiting": {
      const { subject, sinceMs } = event.wait;
      return { ...common, for: subject, since: new Date(sinceMs).toISOString() };
    }
    case "stopped":
      return { ...common, last: event.last, saved: event.saved, of: event.of };
  }
}

/** UTC. */
function timeOf(ms: number): string {
  return new Date(ms).toISOString().slice(11, 19);
}

function printEvent(event: ToldEvent, isOneOfMany: boolean, terminal: Terminal, now: number): void {
  const time = terminal.style("dim", timeOf(now));
  const isNamed = isOneOfMany && event.store !== null && event.kind !== "started";
  const where = isNamed ? ` ${terminal.style("dim", event.store)}` : "";
  terminal.line(`${time}${where} ${describe(event, terminal)}`);
  if (event.kind !== "started" || !event.appendOnly) return;
  for (const line of appendOnlyTexts) terminal.line(`${time}${where} ${line}`);
}

const stoppedTexts = {
  saved: "stopped: everything known is saved",
  refused: "stopped: a guard refused the last state, which is NOT current in the store",
  nothing: "stopped: no state was seen, so nothing was saved",
};

function describe(event: ToldEvent, terminal: Terminal): string {
  switch (event.kind) {
    case "started":
      return `${terminal.style("bold", "started")}: ${event.source} -> ${event.store}${event.sequence === 0 ? " (nothing there yet)" : ` (at sequence ${event.sequence})`}`;
    case "swapped": {
      const { sequence, channels, sizeBytes } = event.commit;
      const count = channels === null ? "" : `${channels} channels, `;
      return `${terminal.style("green", "saved")} sequence ${sequence}: ${count}${formatSize(sizeBytes)} in ${Math.round(event.elapsedMs)} ms (${event.reason})`;
    }
    case "unchanged":
      return `${terminal.style("green", "unchanged")}: the store already holds this state, as sequence ${event.sequence} (${event.reason})`;
    case "refused":
      return `${terminal.style("red", "REFUSED")}: ${event.message}${event.quarantineKey === null ? "" : ` (kept as ${event.quarantineKey})`}`;
    case "retrying":
      return `${terminal.style("yellow", "retrying")} in ${(event.retryInMs / 1000).toFixed(1)} s, after try ${event.attempt}: ${event.error.message}`;
    case "lost":
      return `${terminal.style("red", "LOST")}: ${event.error.message}`;
    case "failed": {
      const { error, retryInMs } = event;
      const again =
        retryInMs === null ? "" : `; this one is checked again in ${retryInMs / 1000} s`;
      return `${terminal.style("red", "FAILED")}: ${error.message} (the other stores continue${again})`;
    }
    case "levelled":
      return `${terminal.style("green", "levelled")}: the store was empty, and now holds what ${event.from} does`;
    case "recovered":
      return `${terminal.style("green", "recovered")} after ${event.attempts} tries`;
    case "verdict":
      return verdictText(event, terminal);
    case "drilled": {
      const { ok, verdict, problems, version } = event.report;
      if (ok) {
        return `${terminal.style("green", "drilled")}: a restore of sequence ${version?.sequence} would work`;
      }
      const why = problems.map(({ message }) => message).join("; ");
      return verdict === "unknown"
        ? `${terminal.style("yellow", "NOT known whether a restore would work")}: ${why}`
        : `${terminal.style("red", "DRILL FAILED")}: ${why}`;
    }
    case "waiting": {
      const { subject, sinceMs } = event.wait;
      return `${terminal.style("yellow", "waiting")} for ${subject} since ${timeOf(sinceMs)}`;
    }
    case "stopped": {
      const { last, saved, of } = event;
      if (last === "saved" && saved < of) {
        return `stopped: everything known is saved in ${saved} of ${of} stores`;
      }
      return stoppedTexts[last ?? "nothing"];
    }
  }
}

function verdictText(
  { verdict, findings }: Extract<DaemonEvent, { kind: "verdict" }>,
  terminal: Terminal,
): string {
  const texts = [...new Set(findings.map((it) => toldOf(it).message))].join("; ");
  if (verdict === "safe") {
    const but = texts === "" ? "" : `; with warnings: ${texts}`;
    return `${terminal.style("green", "safe")}: the store was read back${but}`;
  }
  const word =
    verdict === "unsafe"
      ? terminal.style("red", "NOT SAFE")
      : terminal.style("yellow", "NOT KNOWN");
  return `${word}: ${texts}`;
}
