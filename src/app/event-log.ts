import { toldOf } from "../checks/finding.ts";
import { ScbError } from "../runtime/error.ts";
import type { Logger } from "../runtime/logger.ts";
import type { DaemonEvent } from "./daemon-event.ts";

/** What an append-only store does and doesn't promise, as log lines. */
export const appendOnlyTexts = [
  "append-only: each backup is a new file, read back before it counts as saved; no file is ever overwritten",
  "append-only: the store can't coordinate two mirrors, so run exactly one. If two run by mistake, nothing is lost, but the newest file may hold an older state",
] as const;

/** Logs a run's events. */
export function logMirrorEvent(event: DaemonEvent, logger: Logger): void {
  const of = <F extends object>(facts: F): object =>
    event.store === null ? facts : { ...facts, store: event.store };
  switch (event.kind) {
    case "started": {
      const { node, source, sequence } = event;
      logger.info(of({ node, source, sequence }), "started");
      if (event.appendOnly) for (const line of appendOnlyTexts) logger.info(of({}), line);
      break;
    }
    case "levelled":
      logger.warn(of({ from: event.from }), "the store was empty; filled it from another store");
      break;
    case "failed":
      logger.error(of({ code: event.error.code }), `failed: ${event.error.message}`);
      break;
    case "swapped":
      logger.info(
        of({
          ...event.commit,
          key: undefined,
          version: event.commit.key,
          reason: event.reason,
          attempts: event.attempts,
          elapsedMs: event.elapsedMs,
        }),
        "backup saved",
      );
      break;
    case "unchanged":
      logger.debug(
        of({ reason: event.reason, sequence: event.sequence }),
        "the store already holds this state",
      );
      break;
    case "refused":
      logger.error(
        of({ code: event.code, quarantined: event.quarantineKey }),
        `refused: ${event.message}`,
      );
      break;
    case "retrying":
      logger.warn(
        of({
          code: event.error.code,
          attempt: event.attempt,
          retryInMs: event.retryInMs,
          // Why the answer was unclear. Only our own messages are free of what a request carries.
          cause: event.error.cause instanceof ScbError ? event.error.cause.message : undefined,
        }),
        `trying again: ${event.error.message}`,
      );
      break;
    case "lost":
      logger.error(of({ code: event.error.code }), `lost: ${event.error.message}`);
      break;
    case "recovered":
      logger.info(of({ attempts: event.attempts }), "recovered");
      break;
    case "drilled": {
      const { ok, verdict, problems, version, recordedAs, durationMs } = event.report;
      const facts = { verdict, version: version?.key, recordedAs, durationMs };
      const found = problems.map(({ message }) => message).join("; ");
      if (ok) logger.info(of(facts), "drill passed: a restore would work");
      else if (verdict === "unknown") {
        logger.warn(
          of(facts),
          `drill inconclusive: not known whether a restore would work: ${found}`,
        );
      } else logger.error(of(facts), `drill failed: a restore would not work: ${found}`);
      break;
    }
    case "confirmed":
      logger.debug(of({ depth: event.depth }), "read the store back: it holds what was saved");
      break;
    case "verdict": {
      const { verdict, findings } = event;
      const facts = { verdict, codes: findings.map(({ code }) => code) };
      if (verdict === "safe") logger.info(of(facts), "safe: read back from the store");
      else
        logger.warn(
          of(facts),
          `${verdict}: ${findings.map((it) => toldOf(it).message).join("; ")}`,
        );
      break;
    }
    case "waiting": {
      const { subject, sinceMs } = event.wait;
      const since = new Date(sinceMs).toISOString();
      logger.warn(of({ since }), `waiting for ${subject} since ${since}`);
      break;
    }
    case "stopped":
      logger.info({ last: event.last, saved: event.saved, of: event.of }, "stopped");
      break;
  }
}
