import type { Round } from "../monitor/monitor.ts";
import { nodesAnswers } from "../monitor/views/answers.ts";
import { afterRound, newNodesWatched } from "../monitor/views/record.ts";
import type { Clock } from "../runtime/clock.ts";
import type { HostAndPort } from "../runtime/host-and-port.ts";
import { programVersion } from "../runtime/version.ts";
import { startHttpServer } from "../watched/http-server.ts";
import type { Moment } from "../watched/moment.ts";

export interface NodesPageOptions {
  readonly listen: HostAndPort;
  /** Names that it answers to, besides localhost and IP addresses. */
  readonly listenHosts: readonly string[];
  /** The time between rounds. */
  readonly intervalMs: number;
  readonly clock: Clock;
}

/** The HTTP page about the watched nodes. */
export interface NodesPage {
  readonly address: HostAndPort;
  /** Takes in a completed round. */
  hear(round: Round): void;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Serves what is known about many nodes. Throws as `startHttpServer`. */
export async function startNodesPage(options: NodesPageOptions): Promise<NodesPage> {
  const { listen, listenHosts, intervalMs, clock } = options;
  const now = (): Moment => ({ wallMs: clock.now(), monotonicMs: clock.monotonicMs() });
  let watched = newNodesWatched(programVersion, now(), intervalMs);
  const server = await startHttpServer({
    address: listen,
    allowedHosts: listenHosts.map((host) => host.toLowerCase()),
    answer: nodesAnswers(() => ({ watched, now: now() })),
  });
  return {
    address: server.address,
    hear(round) {
      watched = afterRound(watched, round, now());
    },
    close: () => server.close(),
  };
}
