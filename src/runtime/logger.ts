import { pino } from "pino";
import { escapedJson } from "./foreign-text.ts";
import type { LogLevel } from "./log-level.ts";

/** What a module may say. The first argument holds facts, never a secret; the second is a sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

/** Fields that can hold a secret are never printed, even where a caller logs a whole object. */
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

/** What stderr does not take now is kept up to this, and told with the next line that it takes. */
const mostKeptSizeBytes = 1024 * 1024;
/** A reader that is slow is waited for, 0.1 s each time; one that has stopped reading is not. */
const mostWaitsInARow = 5;

/**
 * JSON lines on stderr, written at once, so that nothing is lost when the process ends. That they
 * cannot be written (a full disk, a reader that hangs or is gone) never ends or stops the program.
 * `beforeLine` is called before each, to take from a terminal what a line must not run into.
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

/** Says nothing. */
export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
