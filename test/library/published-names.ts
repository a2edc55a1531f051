import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { parseAst } from "rolldown/parseAst";

export interface PublishedName {
  readonly name: string;
  readonly isType: boolean;
  /** Where it is declared. */
  readonly file: string;
  /** The comment before its declaration; null for none. */
  readonly doc: string | null;
}

/** What matters here of a syntax tree. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly id?: { readonly name: string } | null;
  readonly declaration?: Node | null;
  readonly declarations?: readonly Node[];
  readonly exportKind?: string;
  readonly source?: { readonly value: string } | null;
  readonly specifiers?: readonly {
    readonly exportKind?: string;
    readonly local?: { readonly name: string };
    readonly exported?: { readonly name: string };
  }[];
}

/** The names that an entry point takes from other files. */
export function exportsOf(entry: string): PublishedName[] {
  return statementsOf(entry).flatMap(({ source, specifiers = [], exportKind }) => {
    if (source == null) return [];
    const file = join(dirname(entry), source.value);
    return specifiers.map((specifier) => {
      const name = specifier.exported?.name ?? "";
      const isType = exportKind === "type" || specifier.exportKind === "type";
      return { name, isType, file, doc: docOf(file, specifier.local?.name ?? name) };
    });
  });
}

function statementsOf(file: string): readonly Node[] {
  const { body } = parseAst(readFileSync(file, "utf8"), { lang: "ts" });
  return body as unknown as readonly Node[];
}

function docOf(file: string, name: string): string | null {
  const statement = statementsOf(file).find(({ declaration }) => {
    const ids = declaration?.declarations ?? [declaration];
    return ids.some((one) => one?.id?.name === name);
  });
  if (statement === undefined) throw new Error(`${file} declares no ${name}`);
  const before = readFileSync(file, "utf8").slice(0, statement.start).trimEnd();
  return before.endsWith("*/") ? before.slice(before.lastIndexOf("/**")) : null;
}
