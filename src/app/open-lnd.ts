import type { LndOptions } from "../node/lnd/lnd-config.ts";
import type { LndNode } from "../node/lnd/lnd-node.ts";
import type { Settings } from "./settings.ts";

/** Opens the lnd in the settings. Loads gRPC only here, because it is large. */
export async function openLnd(settings: Settings): Promise<LndNode> {
  const [{ resolveLndConfig }, { LndNode }] = await Promise.all([
    import("../node/lnd/lnd-config.ts"),
    import("../node/lnd/lnd-node.ts"),
  ]);
  const config = await resolveLndConfig(lndOptions(settings));
  return new LndNode(config);
}

/** The settings that locate lnd, by lncli's names. */
export function lndOptions(settings: Settings): LndOptions {
  const { rpcserver, lnddir, network, tlscertpath, macaroonpath, socksproxy, lndconnect } =
    settings;
  return { rpcserver, lnddir, network, tlscertpath, macaroonpath, socksproxy, lndconnect };
}
