import type { Command } from "commander";
import { act, type ProgramHost } from "./action.ts";
import { child, lazily, withSource, withStore } from "./options.ts";

/** What looks at, checks and tidies the versions that a store holds. */
export function addHistoryCommands(program: Command, host: ProgramHost): void {
  const list = withSource(withStore(child(program, "list")))
    .description("The versions that the store holds, newest first")
    .option("--json", "one JSON document");
  act(list, host, {
    examples: ["list --to s3://my-bucket/lightning", "list --to file:///mnt/usb/scb --json"],
    action: lazily(async () => (await import("./list.ts")).listAction),
  });
}
