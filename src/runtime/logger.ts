import { pino } from "pino";
import { escapedJson } from "./foreign-text.ts";
import type { LogLevel } from "./log-level.ts";

/** What a module may log. The first argument holds facts but never a secret; the second is a sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Fields that may hold a secret are never printed, even if a caller logs a whole object. */
const secretFields = [
  "macaroon",
  "mnemonic",
  "words",
  "passphrase",
  "privateKey",
  "backupKey",
  "secretAccessKey",
  "sessionToken",
  "key",
] as const;

/** How much that stderr doesn't take is kept and written with the next line that it takes. */
const mostKeptSizeBytes = 1024 * 1024;
/** A slow reader gets this many waits of 0.1 s in a row; one that stopped reading gets no more. */
const mostWaitsInARow = 5;

/**
 * Writes JSON lines to stderr synchronously, so that none is lost when the process ends. A failing write
 * (a full disk, a reader that hangs or is gone) never ends or stops the program. `beforeLine` is called
 * before each line, to clear whatever the terminal shows that the line must not run into.
 */
export function createLogger(level: LogLevel, beforeLine: () => void = () => undefined): Logger {
  let waitsInARow = 0;
  const destination = pino.destination({
    fd: 2,
    sync: true,
    maxLength: mostKeptSizeBytes,
    retryEAGAIN: () => {
      waitsInARow += 1;
      return waitsInARow <= mostWaitsInARow;
    },
  });
  destination.on("error", () => undefined);
  destination.on("write", (sizeBytes: number) => {
    if (sizeBytes > 0) waitsInARow = 0;
  });
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: "[secret]" },
    },
    {
      write: (line: string) => {
        beforeLine();
        destination.write(`${escapedJson(line.trimEnd())}\n`);
      },
    },
  );
}

/** Logs nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
