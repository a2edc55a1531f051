import { type Html, html } from "../../runtime/html.ts";
import { ageMs, type Moment, wallTimeOf } from "../moment.ts";

const unitsMs = [
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
] as const;

/** "3 days", "1 minute". Two units would be more precise than a page that may be seconds old. */
export function span(ms: number): string {
  for (const [unit, unitMs] of unitsMs) {
    const count = Math.floor(ms / unitMs);
    // "47 hours" is more exact than "1 day".
    const isEnough = unit === "day" ? count >= 2 : count >= 1;
    if (isEnough) return counted(count, unit);
  }
  return "less than a second";
}

export function counted(count: number, thing: string): string {
  return `${grouped(count)} ${thing}${count === 1 ? "" : "s"}`;
}

/** "1,234,567". `Intl` could do it, but takes megabytes that a mirror would keep forever. */
export function grouped(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ",");
}

const months = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

/** "12 ms", "1.3 s", "4 min". A number and its unit stay on one line. */
export function shortTime(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)}\u00a0ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)}\u00a0s`;
  return `${Math.round(ms / 60_000)}\u00a0min`;
}

export function size(bytes: number): string {
  return bytes < 1000 ? `${bytes}\u00a0B` : `${(bytes / 1000).toFixed(1)}\u00a0kB`;
}

/** "29 Nov 12:00:05 UTC", with the year if it isn't this one. */
export function dateText(wallMs: number, now: Moment): string {
  const at = new Date(wallMs);
  const isThisYear = at.getUTCFullYear() === new Date(now.wallMs).getUTCFullYear();
  const year = isThisYear ? "" : ` ${at.getUTCFullYear()}`;
  const date = `${at.getUTCDate()} ${months[at.getUTCMonth()]}${year}`;
  return `${date} ${at.toISOString().slice(11, 19)} UTC`;
}

/** "3 minutes ago", with the exact time in a tooltip. */
export function ago(moment: Moment, now: Moment): Html {
  return timeElement(wallTimeOf(moment, now), `${span(ageMs(moment, now))} ago`, now);
}

/** Like `ago`, for a time that is known only by a wall clock. */
export function agoWall(wallMs: number, now: Moment): Html {
  const age = now.wallMs - wallMs;
  const text = age < 0 ? "at a time in the future" : `${span(age)} ago`;
  return timeElement(wallMs, text, now);
}

function timeElement(wallMs: number, text: string, now: Moment): Html {
  const iso = new Date(wallMs).toISOString();
  return html`<time datetime="${iso}" title="${dateText(wallMs, now)}">${text}</time>`;
}

/** Capitalises the start of a sentence, but not lnd. */
export function capitalised(text: string): string {
  if (/^lnd\b/.test(text)) return text;
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
