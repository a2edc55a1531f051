import type { Command } from "commander";
import type { Action } from "./action.ts";

/** Options that several commands share, worded once. */

export function withStore(command: Command): Command {
  return command
    .option("--to <url>", "the store: s3://BUCKET[/PREFIX][?region=…&endpoint=…] or file:///PATH")
    .option("--node <name>", "the node's folder in the store (default: its public key)")
    .option("--config <file>", "settings as YAML; flags beat environment beats file")
    .option(
      "--request-timeout <duration>",
      "how long one request to the store may take (default: 10s)",
    )
    .option("--log-level <level>", "silent, error, warn, info or debug, on stderr");
}

export function withSource(command: Command): Command {
  return command
    .option("--from <source>", "lnd, file:PATH of a channel.backup, or demo (default: lnd)")
    .option("--rpcserver <host:port>", "lnd's gRPC address (default: localhost:10009)")
    .option("--lnddir <path>", "lnd's folder (default: as lncli's)")
    .option(
      "--network <name>",
      "mainnet, testnet, testnet4, signet, simnet or regtest (default: mainnet)",
    )
    .option("--tlscertpath <path>", "lnd's certificate (default: LNDDIR/tls.cert)")
    .option("--macaroonpath <path>", "a macaroon (default: the network's admin.macaroon)")
    .option("--lndconnect <uri>", "address, certificate and macaroon in one lndconnect:// URI")
    .option("--backup-file <path>", "with --from lnd: look at lnd's channel.backup as well");
}

export function withKey(command: Command): Command {
  return command
    .option(
      "--key-file <path>",
      "what can read backups: 24 words, an extended private key, or a backup key",
    )
    .option("--passphrase-file <path>", "the passphrase of the 24 words");
}

/** commander hands flags over in camel case; settings go by their flag's own name. */
export function flagValues(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(options).map(([name, value]) => [
      name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`),
      value,
    ]),
  );
}

/** A subcommand that takes over how the program deals with errors and output. */
export function child(program: Command, name: string): Command {
  return program.command(name).allowExcessArguments(false);
}

/** Loads a command's code only when it runs, so that help and mistakes answer at once. */
export function lazily(load: () => Promise<Action>): Action {
  return async (context, args) => (await load())(context, args);
}
