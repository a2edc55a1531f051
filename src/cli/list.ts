import { readHistory } from "../recovery/history.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatSize, table } from "./terminal.ts";

/** Fewer are read before anybody could wonder. */
const progressFrom = 200;

export const listAction: Action = async (context) => {
  const { terminal, signal, json } = context;
  const { node, entries } = await withNodeStore(context, async ({ node: name, store }) => ({
    node: name,
    entries: await readHistory(store, {
      signal,
      onProgress: (done, total) => {
        if (total < progressFrom) return;
        terminal.progress(done === total ? null : `reading ${done} of ${total} versions`);
      },
    }),
  }));
  const versions = entries.map(({ createdAt, operation: _, storedAt: __, ...entry }) => ({
    ...entry,
    createdAt: new Date(createdAt).toISOString(),
  }));
  if (json) {
    terminal.json({ node, versions });
    return exitCodes.done;
  }
  if (versions.length === 0) {
    terminal.line(`${node}: no versions yet`);
    return exitCodes.done;
  }
  const header = ["", "SEQUENCE", "CREATED", "SIZE", "SHA256", "KEY"];
  const rows = versions.map((version) => [
    version.current ? "*" : version.orphan ? "-" : "",
    String(version.sequence),
    version.createdAt,
    formatSize(version.sizeBytes),
    version.sha256.slice(0, 12),
    version.key,
  ]);
  for (const line of table([header, ...rows])) terminal.line(line);
  terminal.line(
    terminal.style(
      "dim",
      "* current   - never became current (another writer, or a newer state, was first)",
    ),
  );
  return exitCodes.done;
};
