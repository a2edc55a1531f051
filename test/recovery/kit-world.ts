import type { KitCopy, KitFacts } from "../../src/recovery/kit/kit-facts.ts";
import { parseLocation } from "../../src/store/parse-location.ts";
import { kindOf } from "../../src/store/store-kinds.ts";

const pubkey = `02${"ab".repeat(32)}`;

/** What a kit is made of, on a good day. */
export const kitFacts: KitFacts = {
  node: pubkey,
  pubkey,
  network: "mainnet",
  ...at("s3://my-bucket/lightning?region=eu-central-1"),
  copies: [],
  naming: "pointer",
  current: { sequence: 41, savedAt: "2026-11-20T10:00:00.000Z" },
  isNewest: true,
  doubts: [],
  also: [],
  lastDrill: {
    key: "drills/01JD0000000000000000000000.json",
    at: "2026-11-21T08:30:00.000Z",
    ok: true,
    verdict: "would-restore",
    version: null,
  },
  printedAt: "2026-11-23T03:40:00.000Z",
};

const also = [30, 35, 38].map(
  (n) => `versions/${`${n}`.padStart(20, "0")}-01JD${"0".repeat(22)}.backup`,
);
/** As long as the store's address makes them. */
const doubts = [
  "s3://my-bucket/lightning holds a newer version that was uploaded and never became current, ".repeat(
    3,
  ),
  `${also[0]}, which holds funds of 1 closed channels, is missing`,
  "the last drill found that a restore would not work",
];

const longFolder = `${"customers/region-north/".repeat(4)}lightning`;
const endpoint = "https://s3.a-rather-long-name-of-a-provider.example.org:9000";

const copy: KitCopy = {
  to: "s3://other-bucket/lightning?region=eu-west-1",
  kind: "s3",
  current: { sequence: 12, savedAt: "2026-11-20T10:00:00.000Z" },
};

/** Kits that differ in what takes room on the page. */
export const kitCases: readonly (readonly [string, KitFacts])[] = [
  ["AWS", kitFacts],
  // As long as they may be in letters of their size.
  ["AWS with long names", withFolder("lightning-of-the-main-office")],
  [
    "a folder with a long name",
    { ...kitFacts, ...at("file:///mnt", "usb".repeat(13)), to: kitFacts.to },
  ],
  ["a service with long names", longService()],
  ["AWS with funds in limbo", { ...kitFacts, also: [...also, ...also] }],
  ["AWS with funds in limbo and long doubts", { ...kitFacts, isNewest: false, doubts, also }],
  [
    "a service with long names, funds in limbo and doubts",
    { ...longService(), isNewest: false, doubts, also },
  ],
  [
    "a folder",
    {
      ...kitFacts,
      node: "alice's <node>",
      ...at("file:///mnt/usb/scb%20store", "alice"),
      to: "file:///mnt/usb/scb/store",
    },
  ],
  [
    "a bucket, and two copies",
    {
      ...kitFacts,
      copies: [copy, { ...copy, to: "file:///mnt/usb/scb", kind: "file", current: null }],
    },
  ],
  [
    "three services with long names, funds in limbo and doubts",
    { ...longService(), copies: [longCopy(), longCopy()], isNewest: false, doubts, also },
  ],
  ["a store without pointers", { ...kitFacts, pubkey: null, network: null, naming: "newest" }],
];

/** The facts that are a location's. */
function at(to: string, node = pubkey): Pick<KitFacts, "to" | "kind" | "tools"> {
  const location = parseLocation(to);
  const tools = kindOf(location).stockTools(location, node);
  return { to, kind: location.kind, tools };
}

function withFolder(prefix: string): KitFacts {
  return { ...kitFacts, ...at(`s3://my-bucket/${prefix}?region=eu-central-1`) };
}

function longCopy(): KitCopy {
  return { ...copy, to: longService().to };
}

function longService(): KitFacts {
  return {
    ...kitFacts,
    network: "testnet4",
    ...at(`s3://${"b".repeat(63)}/${longFolder}?region=us-east-1&endpoint=${endpoint}`),
    lastDrill: null,
  };
}
