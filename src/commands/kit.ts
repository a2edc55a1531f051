import { collectFolder } from "../checks/collect.ts";
import { type Network, networks } from "../keychain/network.ts";
import { makeKit } from "../recovery/kit/kit.ts";
import type { KitFacts, KitPlace } from "../recovery/kit/kit-facts.ts";
import { kitToText } from "../recovery/kit/kit-text.ts";
import { checkOutputTarget, writeOutputFile } from "../recovery/output-file.ts";
import { newestClaim } from "../recovery/restore/newest.ts";
import { ScbError } from "../runtime/error.ts";
import { formatLocation, parseLocation, type StoreLocation } from "../store/parse-location.ts";
import type { Action, ActionContext } from "./action.ts";
import { exitCodes } from "./exit-code.ts";
import { type NodeStore, withNodeStore } from "./node-store.ts";

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
  const facts = await withNodeStore(context, (nodeStore) => factsOf(context, nodeStore));
  const page = isText ? kitToText(makeKit(facts)) : await htmlOf(facts);
  if (output === "-") {
    await terminal.bytes(new TextEncoder().encode(page));
    return exitCodes.done;
  }
  const target = await checkOutputTarget(output, { force: options.force });
  // Nothing on it is secret, so everybody may read it.
  await writeOutputFile(target, new TextEncoder().encode(page), { mode: 0o644, random });
  const { place: _, naming: __, printedAt: ___, ...printed } = facts;
  const { lastDrill, doubts } = facts;
  if (json) {
    terminal.json({ file: target.path, ...printed });
    return exitCodes.done;
  }
  terminal.line(`${target.path}: print it, and keep it with your papers`);
  for (const doubt of doubts) {
    terminal.line(
      terminal.style("yellow", `NOT safe: ${doubt}. Mend it, then print the page again`),
    );
  }
  if (lastDrill === null) {
    terminal.line("No drill was done yet: run scb-mirror drill, then print the page again");
  }
  return exitCodes.done;
};

async function htmlOf(facts: KitFacts): Promise<string> {
  const { kitToHtml } = await import("../recovery/kit/kit-html.ts");
  return kitToHtml(makeKit(facts));
}

async function factsOf(
  { settings, clock, signal }: ActionContext,
  { node, store }: NodeStore,
): Promise<KitFacts> {
  const now = clock.now();
  const { folder } = await collectFolder({ store, node, now, signal });
  if (!folder.current.known) throw folder.current.error;
  const current = folder.current.value;
  if (current.kind === "none") {
    throw new ScbError(
      "not-found",
      `there is no backup in ${store.location} yet: start scb-mirror run, and make the kit when it has saved one`,
    );
  }
  if (current.kind !== "held") throw current.error;
  const { held, pointer } = current;
  const { pubkey = null, network = null } = pointer?.node ?? {};
  const { isNewest, doubts } = newestClaim(held.key, folder, now);
  const location = await completed(parseLocation(settings.to?.[0] ?? ""));
  return {
    node,
    pubkey,
    network: networkOf(network) ?? settings.network ?? null,
    to: formatLocation(location),
    place: placeOf(location, node),
    naming: pointer === null ? "newest" : "pointer",
    current: { sequence: held.sequence, savedAt: new Date(held.savedAt).toISOString() },
    isNewest,
    doubts: doubts.map(({ message }) => message),
    also: held.alsoRestore.map(({ key }) => key),
    lastDrill: folder.lastDrill.known ? folder.lastDrill.value : null,
    printedAt: new Date(now).toISOString(),
  };
}

/** With the service and region that are used now, so that the page says all: they may be from the environment. */
async function completed(location: StoreLocation): Promise<StoreLocation> {
  if (location.kind === "file") return location;
  const { findS3Service } = await import("../store/s3-client.ts");
  const { endpoint, region } = await findS3Service(location);
  return {
    ...location,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint: withoutCredentials(endpoint) }),
  };
}

/** An endpoint from the environment may hold what the command line is not allowed to. */
function withoutCredentials(endpoint: string): string {
  const url = new URL(endpoint);
  url.username = "";
  url.password = "";
  url.search = "";
  url.hash = "";
  return url.href.replace(/\/$/, "");
}

function placeOf(location: StoreLocation, node: string): KitPlace {
  if (location.kind === "file") return { kind: "file", folder: `${location.path}/${node}` };
  const { bucket, prefix, endpoint = null, region = null } = location;
  return {
    kind: "s3",
    bucket,
    folder: prefix === "" ? node : `${prefix}/${node}`,
    endpoint,
    region,
  };
}

function networkOf(name: string | null): Network | null {
  return networks.find((network) => network === name) ?? null;
}
