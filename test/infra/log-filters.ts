import assert from "node:assert/strict";
import { z } from "zod";
import { readTemplate } from "./deployment.ts";

/** The template's filters that count at least one of these lines, by their names. */
export function matchingFilters(lines: readonly string[]): readonly string[] {
  return Object.entries(readTemplate().Resources).flatMap(([name, { Type, Properties }]) => {
    if (Type !== "AWS::Logs::MetricFilter") return [];
    const pattern = z.string().parse(Properties["FilterPattern"]);
    return lines.some((line) => matches(pattern, line)) ? [name] : [];
  });
}

/** CloudWatch's filter patterns, as far as the template uses them. */
export function matches(pattern: string, line: string): boolean {
  const [, phrase] = /^"(.*)"$/.exec(pattern) ?? [];
  if (phrase !== undefined) return line.includes(phrase);
  const [, field, value] = /^\{ \$\.(\w+) = "(.*)" \}$/.exec(pattern) ?? [];
  assert.ok(field !== undefined && value !== undefined, `unknown pattern ${pattern}`);
  if (!line.startsWith("{")) return false;
  const found = z.record(z.string(), z.unknown()).parse(JSON.parse(line))[field];
  if (typeof found !== "string") return false;
  return value.endsWith("*") ? found.startsWith(value.slice(0, -1)) : found === value;
}
