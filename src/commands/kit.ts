import { type Network, networks } from "../keychain/network.ts";
import { kitCurrent, makeKit } from "../recovery/kit/kit.ts";
import type { KitFacts, KitPlace } from "../recovery/kit/kit-facts.ts";
import { kitToText } from "../recovery/kit/kit-text.ts";
import { checkOutputTarget, writeOutputFile } from "../recovery/output-file.ts";
import { readLastDrill } from "../repository/drill-record.ts";
import { readCurrent } from "../repository/history.ts";
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
  const { node, pubkey, network, to, current, lastDrill } = facts;
  if (json) {
    terminal.json({ file: target.path, node, pubkey, network, to, current, lastDrill });
    return exitCodes.done;
  }
  terminal.line(`${target.path}: print it, and keep it with your papers`);
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
  const base = await readCurrent(store, { signal });
  if (base.kind === "none") {
    throw new ScbError(
      "not-found",
      `there is no backup in ${store.location} yet: start scb-mirror run, and make the kit when it has saved one`,
    );
  }
  const { pubkey, network } =
    base.kind === "pointer" ? base.pointer.node : { pubkey: null, network: null };
  const location = await completed(parseLocation(settings.to ?? ""));
  return {
    node,
    pubkey,
    network: networkOf(network) ?? settings.network ?? null,
    to: formatLocation(location),
    place: placeOf(location, node),
    naming: base.kind === "pointer" ? "pointer" : "newest",
    current: kitCurrent(base),
    lastDrill: await readLastDrill(store, clock.now(), { signal }),
    printedAt: new Date(clock.now()).toISOString(),
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
