import * as z from "zod";
import { failure, storeName } from "./values.ts";

/** One form of what a command prints with `--json`. */
export interface DocumentForm {
  /** When it has this form, for a heading; null if it always has. */
  readonly when: string | null;
  readonly schema: z.ZodObject;
}

/** What `--json` prints. */
export interface JsonDocument {
  /** In one or two sentences, in Markdown. */
  readonly about: string;
  readonly forms: readonly DocumentForm[];
}

export function document(about: string, schema: z.ZodObject): JsonDocument {
  return { about, forms: [{ when: null, schema }] };
}

/** Of one store the facts themselves; of several those of each, and perhaps what is true of all. */
export function ofEachStore(
  about: string,
  facts: z.ZodObject,
  ofAll: z.ZodRawShape = {},
  ofOne: z.ZodObject = facts,
): JsonDocument {
  return {
    about,
    forms: [
      { when: "With one store", schema: ofOne },
      {
        when: "With several stores",
        schema: z.strictObject({
          node: z.string().describe("the node's folder"),
          ...ofAll,
          stores: storesOf(facts),
        }),
      },
    ],
  };
}

/** The facts of each store, or what failed in it. The node is told once, outside. */
export function storesOf(facts: z.ZodObject): z.ZodType {
  const { node: _, ...own } = facts.shape;
  return z
    .array(
      z.union([
        z.strictObject({
          ...facts.shape,
          node: z.string().optional(),
          store: storeName,
          error: z.null(),
        }),
        z.strictObject({ ...own, store: storeName, error: z.null() }),
        z.strictObject({ store: storeName, error: failure }),
      ]),
    )
    .meta({
      form: "list of objects",
      description:
        "for each store its name (`store`), `error`, and the fields that the document has with one store. `error` is null, or a [Failure](#failure) and nothing else is known",
    });
}
