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
  /** From round to round. */
  readonly intervalMs: number;
  readonly clock: Clock;
}

/** Where it can be asked how the watched nodes are. */
export interface NodesPage {
  readonly address: HostAndPort;
  /** Takes in a round that has just ended. */
  hear(round: Round): void;
  /** May be called twice. */
  close(): Promise<void>;
}

/** Serves what is known of many nodes. Throws as `startHttpServer`. */
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
