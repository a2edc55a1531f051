import { openReceiver } from "../alerts/receivers/open-receiver.ts";
import { tryOut } from "../alerts/try-out.ts";
import { ScbError } from "../runtime/error.ts";
import type { Action } from "./action.ts";
import { exitCodes } from "./exit-code.ts";

interface NotifyOptions {
  readonly test: boolean;
}

export const notifyAction: Action<NotifyOptions> = async (context) => {
  const { settings, options, terminal, json } = context;
  const { notify = [], heartbeat = null } = settings;
  if (!options.test) {
    throw new ScbError("usage", "notify needs --test, which sends a test message");
  }
  if (notify.length === 0 && heartbeat === null) {
    throw new ScbError(
      "usage",
      "there is nowhere to send a message: give --notify or --heartbeat (or SCB_MIRROR_NOTIFY)",
    );
  }
  const receivers = await Promise.all(notify.map(openReceiver));
  const sent = await tryOut({ ...context, receivers, heartbeat });
  const ok = sent.every((it) => it.ok);
  if (json) terminal.json({ ok, sent });
  else {
    for (const { to, ok: isOk, message } of sent) {
      const word = isOk ? terminal.style("green", "ok") : terminal.style("red", "FAILED");
      terminal.line(`${word}: ${to}: ${message}`);
    }
  }
  return ok ? exitCodes.done : exitCodes.failed;
};
