import type { Clock } from "../runtime/clock.ts";
import type { HostAndPort } from "../runtime/host-and-port.ts";
import { programVersion } from "../runtime/version.ts";
import { answersOf } from "../watched/answers.ts";
import type { WatchedEvent } from "../watched/events.ts";
import { startHttpServer } from "../watched/http-server.ts";
import { SwapDurations } from "../watched/metrics.ts";
import type { Moment } from "../watched/moment.ts";
import { newWatched } from "../watched/record.ts";
import { watch } from "../watched/watch.ts";

export interface WatchingOptions {
  readonly listen: HostAndPort;
  /** Names that it answers to, besides localhost and IP addresses. */
  readonly listenHosts: readonly string[];
  readonly clock: Clock;
}

/** The HTTP page about a running mirror. */
export interface Watching {
  readonly address: HostAndPort;
  /** Takes in an event. Never throws. */
  hear(event: WatchedEvent): void;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Serves what is known about a mirror from now on. Throws as `startHttpServer`. */
export async function startWatching(options: WatchingOptions): Promise<Watching> {
  const { listen, listenHosts, clock } = options;
  const now = (): Moment => ({ wallMs: clock.now(), monotonicMs: clock.monotonicMs() });
  const durations = new SwapDurations();
  let watched = newWatched(programVersion, now());
  const server = await startHttpServer({
    address: listen,
    allowedHosts: listenHosts.map((host) => host.toLowerCase()),
    answer: answersOf(() => ({ watched, now: now(), durations })),
  });
  return {
    address: server.address,
    hear(event) {
      durations.hear(watched.node, event);
      watched = watch(watched, event, now());
    },
    close: () => server.close(),
  };
}
