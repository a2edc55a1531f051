import { statusJson } from "../../checks/stores-status.ts";
import type { NodeReport } from "../monitor.ts";

/** As `status --json` of each node, with when what a restore takes was last read back. */
export function nodesStatus(nodes: readonly NodeReport[]) {
  return {
    nodes: nodes.map(({ readBackAt, ...report }) => ({
      ...statusJson(report),
      readBackAt: readBackAt === null ? null : new Date(readBackAt).toISOString(),
    })),
  };
}
