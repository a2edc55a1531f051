import type { Command } from "commander";
import { act, type ProgramHost } from "./action.ts";
import { child, lazily, withKey, withSource, withStore } from "./options.ts";

/** What looks at, checks and tidies the versions that a store holds. */
export function addHistoryCommands(program: Command, host: ProgramHost): void {
  const list = withSource(withStore(child(program, "list")))
    .description("The versions that the store holds, newest first")
    .option("--limit <n>", "only the newest n (default: 1000, and all with --json)")
    .option("--json", "one JSON document");
  act(list, host, {
    examples: ["list --to s3://my-bucket/lightning", "list --to file:///mnt/usb/scb --json"],
    action: lazily(async () => (await import("./list.ts")).listAction),
  });

  const verify = withKey(withSource(withStore(child(program, "verify"))))
    .summary("Reads every version back: size, hash, chain, pointer; opens each where it can")
    .description(
      "Reads every version back and checks size, hash, chain and pointer; opens each with a key, " +
        "or, with --from lnd, has the node do it. It says nothing of what it did not read.",
    )
    .option("--since <sequence|time>", "only from this sequence on, or of the last 12h, 30d, …")
    .option("--sample <n>", "only so many of them, chosen at random, and the current one")
    .option("--json", "one JSON document");
  act(verify, host, {
    examples: [
      "verify --to s3://my-bucket/lightning",
      "verify --since 30d --key-file ~/backup.key --to s3://my-bucket/lightning --json",
    ],
    action: lazily(async () => (await import("./verify.ts")).verifyAction),
  });

  const repair = withKey(withSource(withStore(child(program, "repair"))))
    .summary("Mends a pointer that is lost, damaged, or names what is not there")
    .description(
      "Mends a pointer that is lost, damaged, put back from an older day, or names what is not " +
        "there: finds from the versions what it must name, shows it, and writes it with --apply. " +
        "Between two histories it does not guess: it shows both (exit code 4) and wants --to-version.",
    )
    .option(
      "--to-version <key>",
      "the version that the pointer is to name, where you have to choose",
    )
    .option("--apply", "write the pointer that the plan found")
    .option("--json", "one JSON document");
  act(repair, host, {
    examples: [
      "repair --to s3://my-bucket/lightning",
      "repair --to s3://my-bucket/lightning --key-file ~/backup.key --apply",
    ],
    action: lazily(async () => (await import("./repair.ts")).repairAction),
  });

  const prune = withSource(withStore(child(program, "prune")))
    .summary("Removes old versions by a policy: shows a plan, does it with --apply")
    .description(
      "Removes old versions by a policy, as restic's forget: shows a plan, and does it with --apply. " +
        "What any rule keeps stays; so do the current version and the one before it, whatever is " +
        "newer, and what does not read back right. Days, weeks and months are those of UTC. " +
        "Only versions/ is touched. Use a credential of its own, that may delete: the mirror needs " +
        "none that can.",
    )
    .option("--keep-last <n>", "the newest n versions")
    .option("--keep-daily <n>", "the newest of each of the last n days that have one")
    .option("--keep-weekly <n>", "the newest of each of the last n weeks that have one")
    .option("--keep-monthly <n>", "the newest of each of the last n months that have one")
    .option("--keep-within <time>", "all of this time before the newest one: 12h, 30d, 8w, 2y")
    .option(
      "--orphan-grace <time>",
      "how much older than the pointer a version that never became current must be (default: 7d)",
    )
    .option("--apply", "remove what the plan says")
    .option("--json", "one JSON document");
  act(prune, host, {
    examples: [
      "prune --keep-last 50 --keep-daily 30 --keep-monthly 24 --to s3://my-bucket/lightning",
      "prune --keep-within 90d --apply --to s3://my-bucket/lightning",
    ],
    action: lazily(async () => (await import("./prune.ts")).pruneAction),
  });

  const accept = withKey(withSource(withStore(child(program, "accept"))))
    .summary("Makes a backup that was held back the current one")
    .description(
      "Makes a backup that was held back the current one: after a restore, or after any other loss " +
        "that you know of. Shows what it lacks, and asks. The one it replaces stays in the store.",
    )
    .argument("[quarantined]", "quarantine/….backup (default: the newest one that was held back)")
    .option("--yes", "do not ask")
    .option("--single-writer", "for a folder that is written with run --single-writer")
    .option("--timeout <duration>", "how long to try to reach the store (default: 30s)")
    .option("--json", "one JSON document");
  act(accept, host, {
    examples: [
      "accept --to s3://my-bucket/lightning --from lnd",
      "accept quarantine/01JD0000000000000000000000.backup --to file:///mnt/usb/scb --yes --json",
    ],
    action: lazily(async () => (await import("./accept.ts")).acceptAction),
  });

  const drill = withKey(withSource(withStore(child(program, "drill"))))
    .description("Would a restore work today? Fetches, opens and compares; restores nothing")
    .option("--dial", "try whether the peers' addresses take connections")
    .option("--tor-proxy <host:port>", "with --dial: the SOCKS5 proxy for Tor addresses")
    .option(
      "--max-age <duration>",
      "without a node to compare with, an older backup leaves it open (default: 36h)",
    )
    .option("--json", "one JSON document");
  act(drill, host, {
    examples: [
      "drill --to s3://my-bucket/lightning --from lnd",
      "drill --to s3://my-bucket/lightning --key-file words.txt",
      "drill --to s3://my-bucket/lightning --from lnd --key-file backup.key --dial --tor-proxy 127.0.0.1:9050",
    ],
    action: lazily(async () => (await import("./drill.ts")).drillAction),
  });
}
