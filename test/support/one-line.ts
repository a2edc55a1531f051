import assert from "node:assert/strict";
import type { CliResult } from "./cli.ts";

/**
 * The program's promise for every error: this exit code, and one line on stderr that
 * names the problem and the remedy. JSON log lines may precede it.
 */
export function assertOneLine(result: CliResult, code: number, says: readonly RegExp[]): void {
  const lines = result.stderr.trimEnd().split("\n");
  const line = lines.pop() ?? "";
  assert.equal(result.code, code, result.stderr);
  assert.ok(line.startsWith("scb-mirror: "), result.stderr);
  for (const log of lines) assert.doesNotThrow(() => JSON.parse(log), `a second line: ${log}`);
  for (const what of says) assert.match(line, what);
}
