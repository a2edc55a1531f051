import { type Network, networks } from "../keychain/network.ts";
import { makeKit } from "../recovery/kit/kit.ts";
import type { KitCopy, KitFacts } from "../recovery/kit/kit-facts.ts";
import { kitToText } from "../recovery/kit/kit-text.ts";
import { checkOutputTarget, writeOutputFile } from "../recovery/output-file.ts";
import { newestOfAll } from "../recovery/restore/newest-of-all.ts";
import { holdersOfNewest } from "../recovery/restore/several-stores.ts";
import { ScbError } from "../runtime/error.ts";
import { formatLocation, parseLocation } from "../store/parse-location.ts";
import { kindOf, type StoreLocation } from "../store/store-kinds.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { type NodeStores, withNodeStores } from "./node-store.ts";
import { type OpenedStore, readStores } from "./read-stores.ts";

interface KitOptions {
  readonly output?: string | undefined;
  readonly text: boolean;
  readonly force: boolean;
}

export const kitAction: Action<KitOptions> = async (context) => {
  const { terminal, options, json, random } = context;
  const isText = options.text;
  const output = options.output ?? `recovery-kit.${isText ? "txt" : "html"}`;
  if (output === "-" && json) {
    throw new ScbError("usage", "-o - and --json both need stdout: choose one of them");
  }
  const facts = await withNodeStores(context, (stores) => factsOf(context, stores));
  const page = isText ? kitToText(makeKit(facts)) : await htmlOf(facts);
  if (output === "-") {
    await terminal.bytes(new TextEncoder().encode(page));
    return exitCodes.done;
  }
  const target = await checkOutputTarget(output, { force: options.force });
  // Nothing on it is secret, so anybody may read it.
  await writeOutputFile(target, new TextEncoder().encode(page), { mode: 0o644, random });
  const { kind: _, tools: __, naming: ___, printedAt: ____, ...printed } = facts;
  const { lastDrill, doubts } = facts;
  if (json) {
    terminal.json({ file: target.path, ...printed });
    return exitCodes.done;
  }
  terminal.line(`${target.path}: print it, and keep it with your important papers`);
  for (const doubt of doubts) {
    terminal.line(
      terminal.style("yellow", `NOT safe: ${doubt}. Fix this, then print the page again`),
    );
  }
  if (lastDrill === null) {
    terminal.line("There was no drill yet: run scb-mirror drill, then print the page again");
  }
  return exitCodes.done;
};

async function htmlOf(facts: KitFacts): Promise<string> {
  const { kitToHtml } = await import("../recovery/kit/kit-html.ts");
  return kitToHtml(makeKit(facts));
}

/** The page is about the store with the newest state, and also lists the others. */
async function factsOf(
  { settings, clock, signal }: ActionContext,
  nodeStores: NodeStores,
): Promise<KitFacts> {
  const now = clock.now();
  const stores = await readStores(nodeStores, { key: null, now, signal });
  const [from, ...same] = holdersOfNewest(stores.read, now);
  const current = from?.folder.current;
  if (from === undefined || current?.known !== true) {
    throw new ScbError("internal", "a store that was read shows no pointer");
  }
  const { node, folder } = from;
  if (current.value.kind === "none") {
    throw new ScbError(
      "not-found",
      `there is no backup in ${from.store.location} yet: start scb-mirror run, and make the kit once it has saved one`,
    );
  }
  if (current.value.kind !== "held") throw current.value.error;
  const { held, pointer } = current.value;
  const { pubkey = null, network = null } = pointer?.node ?? {};
  const { isNewest, doubts } = newestOfAll(held.key, from, stores, now);
  const location = await completed(parseLocation(from.to));
  const behind = nodeStores.filter(({ name }) => ![from, ...same].some((one) => one.name === name));
  const copies = [...same, ...behind].map(async ({ name, to }): Promise<KitCopy> => {
    const place = await completed(parseLocation(to));
    const theirs = stores.read.find((one) => one.name === name);
    return {
      to: formatLocation(place),
      kind: place.kind,
      current: theirs ? currentOf(theirs) : null,
    };
  });
  return {
    node,
    pubkey,
    network: networkOf(network) ?? settings.network ?? null,
    to: formatLocation(location),
    kind: location.kind,
    tools: kindOf(location).stockTools(location, node),
    copies: byAge(await Promise.all(copies)),
    naming: pointer === null ? "newest" : "pointer",
    current: currentOf(from),
    isNewest,
    doubts: doubts.map(({ message }) => message),
    also: held.alsoRestore.map(({ key }) => key),
    lastDrill: folder.lastDrill.known ? folder.lastDrill.value : null,
    printedAt: new Date(now).toISOString(),
  };
}

function currentOf({ folder: { current } }: OpenedStore): KitFacts["current"] {
  if (!current.known || current.value.kind !== "held") return null;
  const { sequence, savedAt } = current.value.held;
  return { sequence, savedAt: new Date(savedAt).toISOString() };
}

/** Newest first; those that hold nothing or weren't read come last. */
function byAge(copies: readonly KitCopy[]): readonly KitCopy[] {
  return [...copies].sort((a, b) =>
    (b.current?.savedAt ?? "").localeCompare(a.current?.savedAt ?? ""),
  );
}

/** Adds service and region from the environment, so that the page is complete. */
async function completed(location: StoreLocation): Promise<StoreLocation> {
  return (await kindOf(location).complete?.(location)) ?? location;
}

function networkOf(name: string | null): Network | null {
  return networks.find((network) => network === name) ?? null;
}
