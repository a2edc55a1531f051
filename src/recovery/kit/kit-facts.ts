import type { Network } from "../../keychain/network.ts";
import type { LastDrill } from "../../repository/drill-record.ts";

/** Where a node's backups are, as an operator without this program needs to know it. */
export type KitPlace =
  | {
      readonly kind: "s3";
      readonly bucket: string;
      /** Of the node's folder: without slash at either end. */
      readonly folder: string;
      /** Null for AWS itself. Holds no credential. */
      readonly endpoint: string | null;
      readonly region: string | null;
    }
  /** The node's folder, absolute. */
  | { readonly kind: "file"; readonly folder: string };

/** Another store of the node's backups. */
export interface KitCopy {
  /** As `--to` takes it, with region and endpoint: it holds no credential. */
  readonly to: string;
  readonly kind: KitPlace["kind"];
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
  readonly place: KitPlace;
  /** The other stores, the newest first. */
  readonly copies: readonly KitCopy[];
  /** "newest": a store without pointers, where the newest version is current. */
  readonly naming: "pointer" | "newest";
  readonly current: { readonly sequence: number; readonly savedAt: string } | null;
  /** It was seen to be the newest. */
  readonly isNewest: boolean;
  /** What the verdict found, each a line; empty if nothing. */
  readonly doubts: readonly string[];
  /** Keys of older versions that a restore needs besides, for funds of channels that have closed. */
  readonly also: readonly string[];
  readonly lastDrill: LastDrill | null;
  /** ISO 8601. */
  readonly printedAt: string;
}

/** A part of the page. `commands` are to be typed as they are. */
export interface KitSection {
  readonly title: string;
  readonly blocks: readonly KitBlock[];
}

export type KitBlock =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "commands"; readonly lines: readonly string[] };
