import type { LocatedFinding } from "../events.ts";

/** The commands that a remedy may name. If it names none, the command is `doctor`. */
const typed = ["doctor", "verify", "repair", "drill", "accept", "list", "status"] as const;
const asksNode: readonly string[] = ["doctor", "drill", "accept", "status"];

/** The shell command to type for a finding. */
export function commandFor(
  { remedy, store }: Pick<LocatedFinding, "remedy" | "store">,
  node: string | null,
  source: string | null,
): string {
  const named = [...remedy.matchAll(/scb-mirror (\w+)/g)].map(([, name]) => name);
  const command = typed.find((each) => named.includes(each)) ?? "doctor";
  const isLnd = source?.startsWith("lnd ") === true;
  return [
    `scb-mirror ${command}`,
    ...(store === null ? [] : ["--to", quoted(store)]),
    ...(node === null ? [] : ["--node", quoted(node)]),
    ...(isLnd && asksNode.includes(command) ? ["--from lnd"] : []),
  ].join(" ");
}

function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
