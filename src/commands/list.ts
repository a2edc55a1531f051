import { type History, type HistoryEntry, readHistory } from "../repository/history.ts";
import { keepHeapSmall } from "../runtime/small-heap.ts";
import type { Action } from "./action.ts";
import { inEachStore, jsonOfEach, printEach, type StoreOutcome } from "./each-store.ts";
import { exitCodes } from "./exit-code.ts";
import { withNodeStores } from "./node-store.ts";
import { formatSize, type Terminal, table } from "./terminal.ts";

/** People get only the newest versions; programs get all, unless they set a limit. */
const shownToPeople = 1000;

export const listAction: Action<{ readonly limit?: number | undefined }> = async (context) => {
  keepHeapSmall();
  const { terminal, signal, json, options } = context;
  const limit = options.limit ?? (json ? undefined : shownToPeople);
  const { node, histories } = await withNodeStores(context, async (stores) => ({
    node: stores[0].node,
    histories: await inEachStore(stores, ({ store, name }) =>
      readHistory(store, {
        limit,
        signal,
        onProgress: (done, total) =>
          terminal.progress({ what: "reading about versions", done, total, part: name }),
      }),
    ),
  }));
  const code = histories.every(({ known }) => known) ? exitCodes.done : exitCodes.problemFound;
  if (json) {
    terminal.json(toJson(node, histories));
    return code;
  }
  printEach(histories, terminal, (history) => print(node, history, terminal));
  return code;
};

/** Newest first across all stores, by time, because sequences of different stores are unrelated. */
function toJson(node: string, histories: readonly StoreOutcome<History>[]): object {
  const versions = histories.flatMap(({ name: store, ...one }) =>
    one.known ? one.value.entries.map((entry) => ({ ...factsOf(entry), store })) : [],
  );
  if (histories.length > 1) {
    versions.sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt));
  }
  const totals = histories.map((one) => (one.known ? one.value.total : 0));
  const total = totals.reduce((sum, each) => sum + each, 0);
  return {
    ...jsonOfEach(node, histories, (history) => ({ total: history.total })),
    total,
    versions,
  };
}

function factsOf(entry: HistoryEntry) {
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
}

function print(node: string, { entries, total }: History, terminal: Terminal): void {
  const versions = entries.map(factsOf);
  if (versions.length === 0) {
    terminal.line(`${node}: no versions yet`);
    return;
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
      "* current   - never became current (another writer or a newer state was first)",
    ),
  );
  if (versions.length < total) {
    terminal.line(
      `${total - versions.length} older versions aren't shown (--limit ${total} shows all)`,
    );
  }
}
