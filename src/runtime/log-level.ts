/** From quietest to most verbose. Separate from the logger, which is slow to load. */
export const logLevels = ["silent", "error", "warn", "info", "debug"] as const;
export type LogLevel = (typeof logLevels)[number];
