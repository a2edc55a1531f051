import assert from "node:assert/strict";
import * as z from "zod";
import { jsonDocuments } from "../../src/commands/json/documents.ts";
import { runEvents, watchEvents } from "../../src/commands/json/events.ts";
import { served, statusAll } from "../../src/commands/json/status.ts";

/**
 * Fails unless `stdout` is the document that `docs/reference/json.md` describes: each of its fields, and no
 * other. Without `--json` there is nothing to check.
 */
export function checkJson(args: readonly string[], stdout: string): void {
  const [command = ""] = args;
  if (!args.includes("--json") || args.includes("--help")) return;
  for (const line of stdout.split("\n")) if (line !== "") checkLine(args, command, line);
}

/** The same for an answer of `/status.json` of a `run` or a `watch`. */
export function checkServedStatus(of: "run" | "watch", text: string): void {
  const [form] = (of === "run" ? served : statusAll).forms;
  checkValue(`/status.json of ${of}`, form?.schema ?? null, text);
}

function checkLine(args: readonly string[], command: string, line: string): void {
  checkValue(`${command} --json`, schemaOf(args, command, JSON.parse(line)), line);
}

function checkValue(what: string, schema: z.ZodType | null, text: string): void {
  assert.ok(schema !== null, `${what} has no schema for ${text.slice(0, 200)}`);
  const result = schema.safeParse(JSON.parse(text));
  if (result.success) return;
  assert.fail(
    `${what} isn't what its schema says: ${z.prettifyError(result.error)}\n${text.slice(0, 5000)}`,
  );
}

const eventSchema = z.looseObject({ event: z.string() });

function schemaOf(args: readonly string[], command: string, value: unknown): z.ZodType | null {
  if (command === "run" || command === "watch") {
    const { event } = eventSchema.parse(value);
    return (
      Object.entries(command === "run" ? runEvents : watchEvents).find(
        ([name]) => name === event,
      )?.[1].schema ?? null
    );
  }
  const isAll = command === "status" && args.includes("--all");
  const forms = (isAll ? statusAll : jsonDocuments[command])?.forms;
  return forms === undefined ? null : z.union(forms.map(({ schema }) => schema));
}
