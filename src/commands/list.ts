import { readHistory } from "../repository/history.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStore } from "./node-store.ts";
import { formatSize, table } from "./terminal.ts";

/** Fewer are read before anybody could wonder. */
const progressFrom = 200;

/** A person looks at the newest; a program gets all, unless it says otherwise. */
const shownToPeople = 1000;

export const listAction: Action<{ readonly limit?: number | undefined }> = async (context) => {
  keepHeapSmall();
  const { terminal, signal, json, options } = context;
  const limit = options.limit ?? (json ? undefined : shownToPeople);
  const { node, history } = await withNodeStore(context, async ({ node: name, store }) => ({
    node: name,
    history: await readHistory(store, {
      limit,
      signal,
      onProgress: (done, total) => {
        if (total < progressFrom) return;
        terminal.progress(done === total ? null : `reading ${done} of ${total} versions`);
      },
    }),
  }));
  const { total } = history;
  const versions = history.entries.map((entry) => {
    const { key, sequence, sha256, sizeBytes, createdAt, current, orphan } = entry;
    return {
      key,
      sequence,
      sha256,
      sizeBytes,
      createdAt: new Date(createdAt).toISOString(),
      current,
      orphan,
    };
  });
  if (json) {
    terminal.json({ node, total, versions });
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
  if (versions.length < total) {
    terminal.line(
      `${total - versions.length} older ones are not shown (--limit ${total} shows all)`,
    );
  }
  return exitCodes.done;
};
