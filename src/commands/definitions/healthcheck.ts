import { toggle } from "../../app/settings/values.ts";
import { defineCommand } from "../definition.ts";

export const healthcheck = defineCommand({
  name: "healthcheck",
  description:
    "Asks the scb-mirror run that listens at --listen on this machine whether it works. For Docker, ECS and Kubernetes",
  summary: "Asks the scb-mirror run on this machine whether it works",
  settings: ["listen", "config", "log-level"],
  options: {
    ready: toggle("ask whether the verdict is safe instead"),
  },
  doing: "asking the mirror",
  examples: ["healthcheck --listen 9847", "healthcheck --ready --listen 9847"],
  exitCodes: {
    1: "no run answers, or it says that it isn't well",
  },
  action: async (context) => (await import("../healthcheck.ts")).healthcheckAction(context),
});
