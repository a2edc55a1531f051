/**
 * Prunes the declarations that tsc has made of all sources: only what the entry points' declarations
 * need is published, so that nothing else becomes part of the library's promise.
 */
import { globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { parseAst } from "rolldown/parseAst";

/** The parts of a syntax tree's nodes that matter here. */
interface Node {
  readonly type: string;
  readonly start: number;
  readonly end: number;
  readonly name?: string;
  readonly id?: Node | null;
  readonly declaration?: Node | null;
  readonly declarations?: readonly Node[];
  readonly source?: { readonly value: string } | null;
  readonly importKind?: string;
  readonly specifiers?: readonly { readonly [role in "local" | "imported" | "exported"]?: Node }[];
}

interface Reference {
  readonly file: string;
  readonly name: string;
}

/** One statement at the top of a file. */
interface Statement {
  readonly node: Node;
  /** With the comment before it. */
  readonly text: string;
}

interface Declarations {
  /** By the names that they declare, in file order. */
  readonly declared: ReadonlyMap<string, Statement>;
  /** What a local name stands for in another file. */
  readonly imported: ReadonlyMap<string, Reference & { readonly isType: boolean }>;
  /** What is exported under a name: from this file, or from another. */
  readonly exported: ReadonlyMap<string, string | Reference>;
}

/**
 * Leaves in `folder` the files and the statements that `entries` (names without extension) reach.
 * Throws if one of them needs another package: those are bundled, so nobody can import them.
 */
export function keepReachable(folder: string, entries: readonly string[]): void {
  const files = new Map<string, Declarations>();
  const kept = new Map<string, Map<Statement, ReadonlySet<string>>>();
  const load = (file: string): Declarations => {
    if (!file.startsWith(folder)) throw new Error(`the published declarations need ${file}`);
    const known = files.get(file) ?? readDeclarations(file);
    files.set(file, known);
    return known;
  };
  const keepExport = ({ file, name }: Reference): void => {
    const local = load(file).exported.get(name);
    if (local === undefined) throw new Error(`${relative(folder, file)} exports no ${name}`);
    if (typeof local === "string") keepLocal(file, local);
    else keepExport(local);
  };
  const keepLocal = (file: string, name: string): void => {
    const { declared, imported } = load(file);
    const statement = declared.get(name);
    const reference = imported.get(name);
    if (statement === undefined) {
      if (reference !== undefined) keepExport(reference);
      return;
    }
    const ofFile = kept.get(file) ?? new Map<Statement, ReadonlySet<string>>();
    kept.set(file, ofFile);
    if (ofFile.has(statement)) return;
    const names = namesIn(statement.node);
    ofFile.set(statement, names);
    for (const used of names) keepLocal(file, used);
  };
  const entryFiles = entries.map((entry) => join(folder, `${entry}.d.ts`));
  for (const file of entryFiles) {
    for (const name of load(file).exported.keys()) keepExport({ file, name });
  }
  for (const name of globSync("**/*.d.ts", { cwd: folder })) {
    const file = join(folder, name);
    const statements = kept.get(file);
    if (statements !== undefined) writeFileSync(file, textOf(file, load(file), statements));
    else if (!entryFiles.includes(file)) rmSync(file);
    else writeFileSync(file, readFileSync(file, "utf8").replaceAll(/( from ".*)\.ts"/g, '$1.js"'));
  }
  for (const name of globSync("**/", { cwd: folder })) {
    const isEmpty = globSync("**/*.d.ts", { cwd: join(folder, name) }).length === 0;
    if (isEmpty) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function textOf(
  file: string,
  { declared, imported }: Declarations,
  kept: ReadonlyMap<Statement, ReadonlySet<string>>,
): string {
  const used = new Set([...kept.values()].flatMap((names) => [...names]));
  const imports = [...imported]
    .filter(([local]) => used.has(local))
    .map(([local, { file: from, name, isType }]) => {
      const path = relative(dirname(file), from).replace(/\.d\.ts$/, ".js");
      const what = name === local ? name : `${name} as ${local}`;
      const place = path.startsWith(".") ? path : `./${path}`;
      return `import ${isType ? "type " : ""}{ ${what} } from "${place}";`;
    });
  const statements = [...new Set(declared.values())].filter((statement) => kept.has(statement));
  return `${[...imports, ...statements.map(({ text }) => text.trim()), "export {};"].join("\n")}\n`;
}

function readDeclarations(file: string): Declarations {
  const text = readFileSync(file, "utf8");
  const declared = new Map<string, Statement>();
  const imported = new Map<string, Reference & { isType: boolean }>();
  const exported = new Map<string, string | Reference>();
  const at = (source: string): string =>
    source.startsWith(".") ? join(dirname(file), source.replace(/\.[jt]s$/, ".d.ts")) : source;
  let end = 0;
  for (const node of parseAst(text, { lang: "dts" }).body as unknown as readonly Node[]) {
    const statement = { node, text: text.slice(end, node.end) };
    end = node.end;
    const { declaration, specifiers = [], source, importKind } = node;
    for (const name of declaredBy(declaration ?? node)) {
      declared.set(name, statement);
      if (declaration != null) exported.set(name, name);
    }
    for (const { local, imported: there, exported: out } of specifiers) {
      const name = local?.name ?? "";
      if (node.type === "ImportDeclaration") {
        const of = { file: at(source?.value ?? ""), name: there?.name ?? "*" };
        imported.set(name, { ...of, isType: importKind === "type" });
      } else {
        exported.set(out?.name ?? name, source == null ? name : { file: at(source.value), name });
      }
    }
  }
  return { declared, imported, exported };
}

function declaredBy({ id, declarations }: Node): string[] {
  const ids = declarations === undefined ? [id] : declarations.map((one) => one.id);
  return ids.flatMap((one) => (one?.name === undefined ? [] : [one.name]));
}

/** Every identifier, including mere member names: better to keep too much than too little. */
function namesIn(node: unknown, names = new Set<string>()): Set<string> {
  if (typeof node !== "object" || node === null) return names;
  const { type, name } = node as Partial<Node>;
  if (type === "TSImportType") throw new Error("a published type is inferred: declare it");
  if (type === "Identifier" && name !== undefined) names.add(name);
  for (const value of Object.values(node)) namesIn(value, names);
  return names;
}
