import { Command, CommanderError } from "commander";
import { ScbError } from "../runtime/error.ts";
import { programVersion } from "../runtime/version.ts";
import { type Action, act, type ProgramHost } from "./action.ts";
import { exitCodeHelp, exitCodeOf, exitCodes } from "./exit-code.ts";
import { withKey, withSource, withStore } from "./options.ts";

/** Reads the arguments, runs one command, and says what became of it through `host.exit`. */
export async function runProgram(args: readonly string[], host: ProgramHost): Promise<void> {
  const program = buildProgram(host);
  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return host.exit(exitCodes.done);
      const message =
        error.code === "commander.help"
          ? "no command is given"
          : error.message.replace(/^error: /, "");
      host.terminal.note(`scb-mirror: ${message} (scb-mirror --help shows what there is)`);
      return host.exit(exitCodes.usage);
    }
    const known = ScbError.from(error);
    host.terminal.progress(null);
    host.terminal.note(`scb-mirror: ${known.message}`);
    host.exit(exitCodeOf(known.code));
  }
}

function buildProgram(host: ProgramHost): Command {
  const program = new Command("scb-mirror")
    .description(
      "Keeps an offsite copy of an lnd node's channel.backup: always current, never wrong.",
    )
    .version(programVersion)
    .exitOverride()
    .configureOutput({ writeErr: () => undefined, outputError: () => undefined })
    .showSuggestionAfterError(true)
    .addHelpText(
      "after",
      `
Examples:
  $ scb-mirror run --to s3://my-bucket/lightning
  $ scb-mirror status --to s3://my-bucket/lightning
  $ scb-mirror restore --to s3://my-bucket/lightning -o channel.backup
${exitCodeHelp}`,
    );

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
      "--shutdown-timeout <duration>",
      "how long a stop may wait for a swap under way (default: 10s)",
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

  const list = withSource(withStore(child(program, "list")))
    .description("The versions that the store holds, newest first")
    .option("--json", "one JSON document");
  act(list, host, {
    examples: ["list --to s3://my-bucket/lightning", "list --to file:///mnt/usb/scb --json"],
    action: lazily(async () => (await import("./list.ts")).listAction),
  });

  const restore = withKey(withSource(withStore(child(program, "restore"))))
    .description("Fetches a backup, checks it, and writes it as a file for lncli restorechanbackup")
    .argument("[version]", 'a sequence, a key, or "latest"', "latest")
    .option("-o, --output <file>", 'where to write it; "-" for stdout', "channel.backup")
    .option("--force", "overwrite a file that is there")
    .option("--json", "one JSON document");
  act(restore, host, {
    examples: [
      "restore --to s3://my-bucket/lightning",
      "restore 12 --to s3://my-bucket/lightning -o /root/channel.backup",
      "restore --to file:///mnt/usb/scb -o - | sha256sum",
    ],
    action: lazily(async () => (await import("./restore.ts")).restoreAction),
  });

  const inspect = withKey(withSource(withStore(child(program, "inspect"))))
    .description("Decodes a backup: its channels, peers and addresses (with a key), or its size")
    .argument("[version|file]", 'a file, or a version: a sequence, a key, or "latest"', "latest")
    .option(
      "--with-close-tx",
      "show the force close transactions too. DANGER: one that is out of date, once broadcast, can lose all the funds of its channel",
    )
    .option("--json", "one JSON document");
  act(inspect, host, {
    examples: [
      "inspect channel.backup --key-file ~/backup.key",
      "inspect latest --to s3://my-bucket/lightning --key-file ~/backup.key --json",
    ],
    action: lazily(async () => (await import("./inspect.ts")).inspectAction),
  });

  const diff = withKey(withSource(withStore(child(program, "diff"))))
    .description("Channels added, removed and changed between two backups; exit code 3 if any")
    .argument("<a>", 'a file, or a version: a sequence, a key, or "latest"')
    .argument("<b>", "another one")
    .option("--json", "one JSON document");
  act(diff, host, {
    examples: [
      "diff 11 latest --to s3://my-bucket/lightning --key-file ~/backup.key",
      "diff old.backup channel.backup --key-file ~/backup.key --json",
    ],
    action: lazily(async () => (await import("./diff.ts")).diffAction),
  });

  const key = withKey(child(program, "key"))
    .description(
      "Prints the backup key of a seed or extended key, offline: it reads backups and spends nothing",
    )
    .option("--network <name>", "the node's network (default: mainnet)")
    .option("--json", "one JSON document");
  act(key, host, {
    examples: [
      "key --key-file words.txt > backup.key",
      "key --key-file words.txt --passphrase-file pass.txt --network testnet --json",
    ],
    action: lazily(async () => (await import("./key.ts")).keyAction),
  });
  return program;
}

/** A subcommand that takes over how the program deals with errors and output. */
function child(program: Command, name: string): Command {
  return program.command(name).allowExcessArguments(false);
}

/** Loads a command's code only when it runs, so that help and mistakes answer at once. */
function lazily(load: () => Promise<Action>): Action {
  return async (context, args) => (await load())(context, args);
}
