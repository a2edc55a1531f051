import type { Network } from "../../keychain/network.ts";
import type { LastDrill } from "../../repository/drill-record.ts";
import type { StockTools } from "../../store/store-kind.ts";
import type { StoreLocation } from "../../store/store-kinds.ts";

/** Another store of the node's backups. */
export interface KitCopy {
  /** As `--to` takes it, with region and endpoint: it holds no credential. */
  readonly to: string;
  readonly kind: StoreLocation["kind"];
  /** Null if it held none, or wasn't read. */
  readonly current: KitFacts["current"];
}

export interface KitFacts {
  /** The name of the node's folder. */
  readonly node: string;
  readonly pubkey: string | null;
  readonly network: Network | null;
  /** As `--to` takes it, with region and endpoint: it holds no credential. */
  readonly to: string;
  readonly kind: StoreLocation["kind"];
  /** How to read the node's folder without this program. */
  readonly tools: StockTools;
  /** The other stores, the newest first. */
  readonly copies: readonly KitCopy[];
  /** "newest": a store without pointers, where the newest version is current. */
  readonly naming: "pointer" | "newest";
  readonly current: { readonly sequence: number; readonly savedAt: string } | null;
  /** Whether `current` is known to be the newest version. */
  readonly isNewest: boolean;
  /** The verdict's findings, one line each. */
  readonly doubts: readonly string[];
  /** Keys of older versions that a restore also needs, for funds of channels that have closed. */
  readonly also: readonly string[];
  readonly lastDrill: LastDrill | null;
  /** ISO 8601. */
  readonly printedAt: string;
}

/** A part of the page. `commands` are to be typed exactly as they stand. */
export interface KitSection {
  readonly title: string;
  readonly blocks: readonly KitBlock[];
}

export type KitBlock =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "commands"; readonly lines: readonly string[] };
