import {
  parseHeartbeatUrl,
  parseReceiverUrl,
  type ReceiverUrl,
} from "../../alerts/receivers/receiver-url.ts";
import type { Requirement } from "../../checks/requirement.ts";
import { ScbError } from "../../runtime/error.ts";
import { type HostAndPort, parseHostAndPort } from "../../runtime/host-and-port.ts";
import { durationMs, longestTimerMs } from "../duration.ts";
import type { OptionWords } from "./option.ts";

/** The types of values. Each takes an option's words, and adds how to read its text. */

const shortestIntervalMs = 1000;

type Words = OptionWords & { readonly placeholder: string };

export function text<const W extends Words>(words: W) {
  return { ...words, read: (value: string): string => value };
}

/** Several texts without white space; the flag may be repeated. */
export function texts<const W extends Words>(words: W) {
  const read = (value: string): readonly string[] => value.trim().split(/\s+/);
  return { ...words, repeats: true, read } as const;
}

/** Where to send alerts: several URLs, all secret. */
export function receivers<const W extends Omit<OptionWords, "placeholder">>(words: W) {
  const read = (value: string): readonly ReceiverUrl[] =>
    value.trim().split(/\s+/).map(parseReceiverUrl);
  return { ...words, placeholder: "url", repeats: true, read } as const;
}

/** The URL of a service that raises the alarm when heartbeats stop. */
export function heartbeatUrl<const W extends Omit<OptionWords, "placeholder">>(words: W) {
  return { ...words, placeholder: "url", read: parseHeartbeatUrl };
}

/** A server's address. */
export function hostAndPort<const W extends Words>(words: W) {
  const read = (value: string): HostAndPort => {
    const address = parseHostAndPort(value);
    if (address !== null) return address;
    throw new ScbError("usage", "must be HOST:PORT, as in 127.0.0.1:9050");
  };
  return { ...words, read };
}

/** An address to listen on: a port alone means this machine only. */
export function listenAddress<const W extends Omit<OptionWords, "placeholder">>(words: W) {
  const read = (value: string): HostAndPort => {
    const address = parseHostAndPort(/^\d+$/.test(value) ? `127.0.0.1:${value}` : value);
    if (address !== null) return address;
    throw new ScbError("usage", "must be [HOST:]PORT, as in 9847 or 0.0.0.0:9847");
  };
  return { ...words, placeholder: "[host:]port", read };
}

/** A switch, on if given. In the environment and in YAML it is `true` or `false`. */
export function toggle(help: string) {
  return { placeholder: null, help, default: "false", read: readToggle } as const;
}

function readToggle(value: string): boolean {
  if (value === "true" || value === "false") return value === "true";
  throw new ScbError("usage", "must be true or false");
}

export function oneOf<const T extends string, const W extends Words>(
  values: readonly T[],
  words: W,
) {
  const read = (value: string): T => {
    const known = values.find((each) => each === value);
    if (known !== undefined) return known;
    throw new ScbError("usage", `must be ${listed(values)}`);
  };
  return { ...words, values, read };
}

/** "a, b or c". */
export function listed(values: readonly string[]): string {
  return values.join(", ").replace(/, ([^,]*)$/, " or $1");
}

/** How many of several stores must agree. */
export function requirement<const W extends Omit<OptionWords, "placeholder">>(words: W) {
  const read = (value: string): Requirement => {
    if (value === "all" || value === "majority") return value;
    if (/^[1-9]\d{0,3}$/.test(value)) return Number(value);
    throw new ScbError("usage", "must be all, majority or a number, 1 or more");
  };
  return { ...words, placeholder: "n", read };
}

/** A whole number, `min` or more. */
export function count<const W extends CountWords>(words: W) {
  const read = (value: string): number => {
    const number = Number(value);
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= words.min) return number;
    throw new ScbError("usage", `must be a whole number, ${words.min} or more`);
  };
  return { ...words, placeholder: "n", read };
}

type CountWords = Omit<OptionWords, "placeholder"> & { readonly min: number };

/** A duration. Milliseconds. */
export function duration<const W extends DurationWords>(words: W) {
  return { ...words, placeholder: "duration", read: readDuration };
}

/** A polling interval: at least a second. Milliseconds. */
export function interval<const W extends DurationWords>(words: W) {
  const read = (value: string): number => {
    const ms = readDuration(value);
    if (ms >= shortestIntervalMs) return ms;
    throw new ScbError("usage", "must be a duration of at least 1s");
  };
  return { ...words, placeholder: "duration", read };
}

/** How often something happens; null for never. Milliseconds. */
export function durationOrOff<const W extends DurationWords>(words: W) {
  const read = (value: string): number | null => (value === "off" ? null : readDuration(value));
  return { ...words, placeholder: "duration", read };
}

/** As `interval`; null for never. */
export function intervalOrOff<const W extends DurationWords>(words: W) {
  const { read: readInterval, ...others } = interval(words);
  const read = (value: string): number | null => (value === "off" ? null : readInterval(value));
  return { ...others, read };
}

/** An upper bound on a wait, which has to fit a timer. Milliseconds. */
export function timeout<const W extends DurationWords>(words: W) {
  const read = (value: string): number => {
    const ms = readDuration(value);
    if (ms <= longestTimerMs) return ms;
    throw new ScbError("usage", "must be a duration of at most 24d");
  };
  return { ...words, placeholder: "duration", read };
}

/** A length of history. Milliseconds. */
export function span<const W extends DurationWords>(words: W) {
  const read = (value: string): number => {
    const ms = durationMs(value);
    if (ms !== null) return ms;
    throw new ScbError("usage", "must be a time such as 12h, 30d, 8w or 2y");
  };
  return { ...words, placeholder: "time", read };
}

type DurationWords = Omit<OptionWords, "placeholder">;

function readDuration(value: string): number {
  const ms = durationMs(value);
  if (ms !== null) return ms;
  throw new ScbError("usage", "must be a duration such as 500ms, 10s, 5m or 12h");
}
