import type { Command } from "commander";
import { act, type ProgramHost } from "./action.ts";
import { child, lazily, withKey, withSource, withStore } from "./options.ts";

/** What keeps the copy current, and what says whether it is. */
export function addMirrorCommands(program: Command, host: ProgramHost): void {
  const run = withKey(withSource(withStore(child(program, "run"))))
    .description("Mirrors the node's backups into the store until it is stopped")
    .option("--once", "one snapshot, one swap (none if the store has this state), and exit")
    .option("--accept-empty", "let an empty backup replace one that is not empty, this once")
    .option(
      "--single-writer",
      "for a store without conditional writes: versions only, one writer only",
    )
    .option(
      "--refresh-interval <duration>",
      "save anew after this time, even if no channel changed (default: 12h)",
    )
    .option(
      "--min-interval <duration>",
      "in a burst of events: from one saved backup to the next (default: 250ms)",
    )
    .option(
      "--shutdown-timeout <duration>",
      "how long a stop may wait for a swap under way (default: 10s)",
    )
    .option(
      "--drill-interval <duration>",
      "how often to prove that a restore would work, or off (default: 7d)",
    )
    .option("--timeout <duration>", "how long --once tries to reach the store (default: 30s)")
    .option(
      "--demo-interval <duration>",
      "with --from demo: how often a channel opens or closes (default: 2s)",
    )
    .option("--json", "one JSON document a line, an event each");
  act(run, host, {
    examples: [
      "run --to s3://my-bucket/lightning",
      "run --to 's3://my-bucket?endpoint=https://minio.example:9000' --macaroonpath ~/scb.macaroon",
      "run --from file:/home/bitcoin/.lnd/data/chain/bitcoin/mainnet/channel.backup --node alice --to file:///mnt/usb/scb",
      "run --from demo --to file:///tmp/scb --once --json",
    ],
    action: lazily(async () => (await import("./run.ts")).runAction),
  });

  const status = withSource(withStore(child(program, "status")))
    .description("Is this node safe? What the store holds, read back and compared")
    .option(
      "--max-age <duration>",
      "a backup older than this means that the mirror stopped (default: 36h)",
    )
    .option("--json", "one JSON document");
  act(status, host, {
    examples: [
      "status --to s3://my-bucket/lightning",
      "status --to s3://my-bucket/lightning --from lnd",
      "status --to file:///mnt/usb/scb --node alice --json",
    ],
    action: lazily(async () => (await import("./status.ts")).statusAction),
  });

  const doctor = withKey(withSource(withStore(child(program, "doctor"))))
    .description("May this store and this node be used? Tries it, and says what to do")
    .option("--timeout <duration>", "how long each check may take (default: 30s)")
    .option(
      "--max-age <duration>",
      "a backup older than this means that the mirror stopped (default: 36h)",
    )
    .option("--json", "one JSON document");
  act(doctor, host, {
    examples: [
      "doctor --to s3://my-bucket/lightning --node 02ab…",
      "doctor --from lnd --macaroonpath ~/scb-mirror.macaroon",
      "doctor --to s3://my-bucket/lightning --from lnd --key-file ~/backup.key --json",
    ],
    action: lazily(async () => (await import("./doctor.ts")).doctorAction),
  });
}
