import { pino } from "pino";

/** What a module may say. The first argument holds facts, never a secret; the second is a sentence. */
export interface Logger {
  debug(facts: object, message: string): void;
  info(facts: object, message: string): void;
  warn(facts: object, message: string): void;
  error(facts: object, message: string): void;
}

export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];

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

/** JSON lines on stderr, written at once, so that nothing is lost when the process ends. */
export function createLogger(level: LogLevel): Logger {
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`]), censor: "[secret]" },
    },
    pino.destination({ fd: 2, sync: true }),
  );
}

export const silentLogger: Logger = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};
