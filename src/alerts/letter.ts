import { isNodePubkey } from "../repository/wrong-key.ts";
import { printable } from "../runtime/foreign-text.ts";
import { programVersion } from "../runtime/version.ts";
import type { AlertMessage, ToldTrouble } from "./alert-message.ts";
import type { Letter } from "./receivers/receiver.ts";
import { allNodes, isOfTheNode } from "./situation.ts";

export interface LetterOptions {
  readonly id: string;
  /** Whether to include channel points and amounts. */
  readonly details: boolean;
  /** The machine that sends it. */
  readonly host: string;
}

const schemaVersion = 1;
const mostTroubles = 10;
/** In JSON. */
const mostListed = 50;
const mostCharactersEach = 500;
const mostStores = 3;

/** Words a message. It holds no secret, and channel points and amounts only if `details` is set. */
export function letterOf(message: AlertMessage, options: LetterOptions): Letter {
  const { kind, verdict, at } = message;
  const { id, host } = options;
  const troubles = distinct(message.troubles).map((trouble) => told(trouble, options));
  const title = printable(titleOf(message, troubles));
  const by = `scb-mirror/${programVersion} on ${host}`;
  const body = bodyOf(message, troubles, by);
  const findings = troubles
    .slice(0, mostListed)
    .map(({ node, store, state, since, times, finding }) => {
      const { code, level, message: text, remedy } = finding;
      return { node, store, code, level, message: text, remedy, state, since: iso(since), times };
    });
  const facts = { schema: schemaVersion, id, kind, verdict, at: iso(at), by };
  const json = { ...facts, title, text: `${title}\n\n${body}`, findings };
  return { id, kind, at, title, body, json };
}

/** The message that `notify --test` sends. */
export function testMessage(at: number): AlertMessage {
  return { kind: "test", verdict: "unknown", at, troubles: [] };
}

/** A finding about the node comes once from each store, in the same words: keeps one of them. */
function distinct(troubles: readonly ToldTrouble[]): ToldTrouble[] {
  const keyOf = (it: ToldTrouble): string => {
    const { code, message } = it.finding;
    return [it.node, isOfTheNode(it) ? "" : it.store, code, it.state, message].join("\n");
  };
  return [...new Map(troubles.map((it) => [keyOf(it), it])).values()];
}

function told(trouble: ToldTrouble, { details }: LetterOptions): ToldTrouble {
  const { finding } = trouble;
  const clean = (text: string): string => {
    const shown = printable(details ? text : withoutDetails(text));
    return shown.length > mostCharactersEach ? `${shown.slice(0, mostCharactersEach)}…` : shown;
  };
  return {
    ...trouble,
    node: printable(trouble.node),
    store: printable(trouble.store),
    finding: { ...finding, message: clean(finding.message), remedy: clean(finding.remedy) },
  };
}

const channelPoint = /\b[0-9a-f]{64}:\d+\b/gi;
const shortChannelId = /\b\d+x\d+x\d+\b/g;
const amount = /\b\d[\d,._]*(?:\.\d+)?\s?(?:m?sats?|satoshis?|btc)\b/gi;

function withoutDetails(text: string): string {
  return text
    .replaceAll(channelPoint, "(a channel)")
    .replaceAll(shortChannelId, "(a channel)")
    .replaceAll(amount, "(an amount)");
}

const words = { safe: "safe", unsafe: "NOT SAFE", unknown: "NOT KNOWN to be safe" } as const;

function titleOf({ kind, verdict, troubles }: AlertMessage, shown: readonly ToldTrouble[]): string {
  if (kind === "test") return "scb-mirror: this is a test";
  const nodes = [...new Set(troubles.map(({ node }) => node))];
  const [first = "the node"] = nodes;
  const who = nodes.length > 1 ? `${nodes.length} nodes` : shortName(first);
  const codes = (state: ToldTrouble["state"]): string =>
    [...new Set(shown.filter((it) => it.state === state).map(({ finding }) => finding.code))].join(
      ", ",
    );
  const toleratedIn = (state: ToldTrouble["state"]): boolean[] =>
    shown.filter((it) => it.state === state).map((it) => it.tolerated ?? false);
  switch (kind) {
    case "alert":
      if (verdict === "safe" && toleratedIn("new").includes(true)) {
        return `scb-mirror: ${who} ${verb(nodes)} safe, with a copy less: ${codes("new")}`;
      }
      return verdict === "safe"
        ? `scb-mirror: ${who}: ${codes("new")}, over since`
        : `scb-mirror: ${who} ${verb(nodes)} ${words[verdict]}: ${codes("new")}`;
    case "reminder":
      return `scb-mirror: ${who} ${verb(nodes)} still ${words[verdict]}: ${codes("still")}`;
    case "over":
      return verdict === "safe"
        ? `scb-mirror: ${who} ${verb(nodes)} safe${toleratedIn("over").includes(false) ? " again" : ""}: ${codes("over")} is over`
        : `scb-mirror: ${codes("over")} is over; ${who} ${verb(nodes)} still ${words[verdict]}`;
  }
}

/** The body has a public key in full. */
function shortName(node: string): string {
  return isNodePubkey(node) ? `${node.slice(0, 10)}…` : node.slice(0, 40);
}

function verb(nodes: readonly string[]): string {
  return nodes.length > 1 ? "are" : "is";
}

const headings: Readonly<Record<ToldTrouble["state"], string>> = {
  new: "What is wrong:",
  still: "Still wrong:",
  over: "Over:",
};

function bodyOf({ kind, at }: AlertMessage, troubles: readonly ToldTrouble[], by: string): string {
  if (kind === "test") {
    return [
      "If you can read this, messages from this mirror reach you. Nothing is wrong, and there is nothing to do.",
      `Sent ${time(at)} by ${by}.`,
    ].join("\n\n");
  }
  const shown = troubles.slice(0, mostTroubles);
  const parts: string[] = [];
  for (const state of ["new", "still", "over"] as const) {
    const lines = shown.filter((it) => it.state === state).map((it) => lineOf(it, at));
    if (lines.length > 0) parts.push([headings[state], ...lines].join("\n"));
  }
  if (troubles.length > shown.length) parts.push(`and ${troubles.length - shown.length} more`);
  const commands = kind === "over" ? [] : commandsFor(shown);
  if (commands.length > 0) parts.push(["To see everything:", ...commands].join("\n"));
  parts.push(`Sent ${time(at)} by ${by}.`);
  return parts.join("\n\n");
}

function lineOf(trouble: ToldTrouble, at: number): string {
  const { node, store, state, since, times, finding } = trouble;
  const { code, message, remedy } = finding;
  const where = isOfTheNode(trouble) ? node : `${node} in ${store}`;
  const often = times > 1 ? `, ${times} times` : "";
  const tolerated = trouble.tolerated === true ? " (tolerated by --require)" : "";
  if (state === "over") return `- ${where}: ${code} (it began ${time(since)}${often})`;
  const lasting = `since ${time(since)} (${span(at - since)}${often})`;
  return `- ${where}: ${code}${tolerated}, ${lasting}: ${message}\n  What to do: ${remedy}`;
}

/** The commands to type, once for each store. */
function commandsFor(troubles: readonly ToldTrouble[]): string[] {
  const commands = troubles
    .filter(({ state }) => state !== "over")
    .map(({ node, store }) => {
      const which = node === allNodes ? "--all" : `--node ${quoted(node)}`;
      const to = store.split(" and ").map((one) => `--to ${quoted(one)}`);
      return `  scb-mirror status ${to.join(" ")} ${which}`;
    });
  return [...new Set(commands)].slice(0, mostStores);
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}

/** UTC. */
function time(ms: number): string {
  return `${iso(ms).slice(0, 16).replace("T", " ")} UTC`;
}

function span(ms: number): string {
  if (ms < 60_000) return `${Math.max(0, Math.round(ms / 1000))} s`;
  if (ms < 2 * 3_600_000) return `${Math.round(ms / 60_000)} min`;
  return ms < 48 * 3_600_000
    ? `${Math.round(ms / 3_600_000)} h`
    : `${Math.round(ms / 86_400_000)} days`;
}
