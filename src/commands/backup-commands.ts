import type { Command } from "commander";
import { act, type ProgramHost } from "./action.ts";
import { child, lazily, withKey, withSource, withStore } from "./options.ts";

/** What gets a backup out of the store and looks into it. */
export function addBackupCommands(program: Command, host: ProgramHost): void {
  const restore = withKey(withSource(withStore(child(program, "restore"))))
    .description(
      "Fetches a backup, checks it, and writes it as a file for lncli restorechanbackup, or hands it to a new lnd",
    )
    .argument("[version]", 'a sequence, a key, or "latest" (default: latest)')
    .option(
      "--at <time>",
      "the version that was current then: 2026-11-20T12:00Z, or how long ago: 90m, 12h, 3d",
    )
    .option("-o, --output <file>", 'where to write it; "-" for stdout (default: channel.backup)')
    .option("--force", "overwrite a file that is there")
    .option(
      "--to-lnd",
      "write no file: hand it to the NEW lnd that --rpcserver, --macaroonpath, … name (offchain:write), whose peers then close the channels",
    )
    .option("--json", "one JSON document");
  act(restore, host, {
    examples: [
      "restore --to s3://my-bucket/lightning",
      "restore 12 --to s3://my-bucket/lightning -o /root/channel.backup",
      "restore --at 12h --to s3://my-bucket/lightning --key-file words.txt",
      "restore --to-lnd --to s3://my-bucket/lightning",
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

  const key = withKey(withSource(child(program, "key")))
    .summary("Prints the key that reads backups and spends nothing")
    .description(
      "Prints the backup key of a seed or extended key, offline, or of a running lnd (--from lnd): it reads backups and spends nothing",
    )
    .option("--json", "one JSON document");
  act(key, host, {
    examples: [
      "key --key-file words.txt > backup.key",
      "key --key-file words.txt --passphrase-file pass.txt --network testnet --json",
      "key --from lnd --macaroonpath scb-mirror-key.macaroon > backup.key",
    ],
    action: lazily(async () => (await import("./key.ts")).keyAction),
  });

  const kit = withSource(withStore(child(program, "kit")))
    .description("One page to print: where the backups are, and how to get the funds back")
    .option("-o, --output <file>", 'where to write it (default: recovery-kit.html); "-" for stdout')
    .option("--text", "plain text, and not HTML")
    .option("--force", "overwrite a file that is there")
    .option("--json", "one JSON document: what is on the page, and where it is");
  act(kit, host, {
    examples: [
      "kit --to s3://my-bucket/lightning",
      "kit --to s3://my-bucket/lightning --node alice --text -o - | lpr",
    ],
    action: lazily(async () => (await import("./kit.ts")).kitAction),
  });
}
