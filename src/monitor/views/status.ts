import { statusJson } from "../../checks/stores-status.ts";
import type { NodeReport } from "../monitor.ts";

/** Like `status --json` for each node, plus when the versions for a restore were last read back. */
export function nodesStatus(nodes: readonly NodeReport[]) {
  return {
    nodes: nodes.map(({ readBackAt, ...report }) => ({
      ...statusJson(report),
      readBackAt: readBackAt === null ? null : new Date(readBackAt).toISOString(),
    })),
  };
}
