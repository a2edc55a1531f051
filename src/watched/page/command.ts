import type { LocatedFinding } from "../events.ts";

/** What a person types, with what `remedy` names first; the doctor knows where no command is named. */
const typed = ["doctor", "verify", "repair", "drill", "accept", "list", "status"] as const;
const asksNode: readonly string[] = ["doctor", "drill", "accept", "status"];

/** The command to type for a finding, in a shell. */
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
