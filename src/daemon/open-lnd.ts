import type { LndNode } from "../node/lnd/lnd-node.ts";
import type { Settings } from "./settings.ts";

/** The lnd that the settings name. gRPC is large, so it is loaded only where it is used. */
export async function openLnd(settings: Settings): Promise<LndNode> {
  const [{ resolveLndConfig }, { LndNode }] = await Promise.all([
    import("../node/lnd/lnd-config.ts"),
    import("../node/lnd/lnd-node.ts"),
  ]);
  const config = await resolveLndConfig({
    rpcserver: settings.rpcserver,
    lnddir: settings.lnddir,
    network: settings.network,
    tlscertpath: settings.tlscertpath,
    macaroonpath: settings.macaroonpath,
    lndconnect: settings.lndconnect,
  });
  return new LndNode(config);
}
