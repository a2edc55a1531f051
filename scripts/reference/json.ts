import * as z from "zod";
import type { JsonDocument } from "../../src/commands/json/document.ts";
import { jsonDocuments } from "../../src/commands/json/documents.ts";
import { type EventDocument, runEvents, watchEvents } from "../../src/commands/json/events.ts";
import { served, statusAll } from "../../src/commands/json/status.ts";
import { table } from "../generated-page.ts";

/** The subset of JSON Schema that zod generates for the documents. */
const nodeSchema = z.looseObject({
  $ref: z.string().optional(),
  type: z.union([z.string(), z.array(z.string())]).optional(),
  const: z.unknown().optional(),
  enum: z.array(z.string()).optional(),
  format: z.string().optional(),
  description: z.string().optional(),
  /** Shown as the type, if the parts aren't described. */
  form: z.string().optional(),
  get anyOf() {
    return z.array(nodeSchema).optional();
  },
  get items() {
    return nodeSchema.optional();
  },
  get properties() {
    return z.record(z.string(), nodeSchema).optional();
  },
  required: z.array(z.string()).optional(),
  get $defs() {
    return z.record(z.string(), nodeSchema).optional();
  },
});
type Node = z.infer<typeof nodeSchema>;

export function jsonPage(): string {
  const shared = new Map<string, Node>();
  const fieldsOf = (schema: z.ZodObject): string => {
    const node = nodeSchema.parse(z.toJSONSchema(schema));
    for (const [name, definition] of Object.entries(node.$defs ?? {})) shared.set(name, definition);
    return table(["field", "type", "meaning"], rowsOf(node));
  };
  const documentSection = (name: string, { about, forms }: JsonDocument): string =>
    [
      `### ${name}`,
      about,
      ...forms.flatMap(({ when, schema }) => [
        ...(when === null ? [] : [`${when}:`]),
        fieldsOf(schema),
      ]),
    ].join("\n\n");
  const eventSections = (events: Readonly<Record<string, EventDocument>>): string[] =>
    Object.entries(events).map(([name, { about, schema }]) => {
      const { event: _, at: __, ...own } = schema.shape;
      const fields = Object.keys(own).length === 0 ? [] : [fieldsOf(z.strictObject(own))];
      return [`**\`${name}\`**: ${about}`, ...fields].join("\n\n");
    });
  const documents = [
    "## Documents",
    ...Object.entries(jsonDocuments).flatMap(([name, one]) => [
      documentSection(name, one),
      ...(name === "status"
        ? [
            documentSection("status --all", statusAll),
            documentSection("status.json of run", served),
          ]
        : []),
    ]),
    "## Events",
    eventsIntroduction,
    "### run",
    ...eventSections(runEvents),
    "### watch",
    ...eventSections(watchEvents),
  ];
  const parts = [...shared]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, node]) =>
      [
        `### ${name}`,
        node.description ?? "",
        table(["field", "type", "meaning"], rowsOf(node)),
      ].join("\n\n"),
    );
  return `${[introduction, ...documents, "## Shared objects", ...parts].join("\n\n")}\n`;
}

/** A row for each field, including the fields of nested objects. */
function rowsOf({ properties = {}, required = [] }: Node, within = ""): string[][] {
  return Object.entries(properties).flatMap(([name, node]) => {
    const isOptional = !required.includes(name);
    const type = `${typeOf(node)}${isOptional ? ", may be absent" : ""}`;
    const field = `${within}${name}`;
    const row = [`\`${field}\``, type, node.$ref === undefined ? (node.description ?? "") : ""];
    return [row, ...(node.form === undefined ? nestedRows(node, field) : [])];
  });
}

function nestedRows(node: Node, field: string): string[][] {
  if (node.anyOf !== undefined) return node.anyOf.flatMap((each) => nestedRows(each, field));
  if (node.items !== undefined) return nestedRows(node.items, `${field}[]`);
  return node.properties === undefined ? [] : rowsOf(node, `${field}.`);
}

function typeOf(node: Node): string {
  const { $ref, form, enum: values, anyOf, items, type, format } = node;
  if (form !== undefined) return form;
  if ($ref !== undefined) {
    const name = $ref.split("/").at(-1) ?? "";
    return `[${name}](#${name.toLowerCase()})`;
  }
  if (anyOf !== undefined) return [...new Set(anyOf.map(typeOf))].join(" or ");
  if (node.const !== undefined) return `\`${String(node.const)}\``;
  if (values !== undefined) return values.map((value) => `\`${value}\``).join(", ");
  if (items !== undefined) {
    const of = typeOf(items);
    return of === "object" ? "list of objects" : `list of ${of}`;
  }
  if (format === "date-time") return "time";
  const names: Readonly<Record<string, string>> = {
    string: "text",
    integer: "number",
    number: "number",
    boolean: "boolean",
    null: "null",
    object: "object",
  };
  return [type ?? ""]
    .flat()
    .map((each) => {
      const named = names[each];
      if (named === undefined) throw new Error(`no word for ${JSON.stringify(node)}`);
      return named;
    })
    .join(" or ");
}

const introduction = `# JSON

With \`--json\` a command prints exactly one JSON document on stdout, on one line, and nothing else. \`run\` and
\`watch\` print one document for each event. If a command fails (exit codes 1, 2 and 4) stdout is empty, unless it
failed in some of several stores only.

Fields are added in new versions, and are neither renamed nor removed: ignore those that you don't know.
A time is ISO 8601 in UTC, as in \`2026-11-30T12:00:00.000Z\`. A list is empty rather than absent. \`a.b\` is a field
of the object \`a\`, \`a[].b\` one of each object in the list \`a\`. What \`--notify https://…\` posts is described in
[alerts](../alerts.md).

The tests hold everything that a command prints to these tables, which are made from the code:
\`npm run generate:reference\`.`;

const eventsIntroduction = `Each event has \`event\`, its name, and \`at\`, when it was told. With several stores each event of a store
names it.`;
