import * as z from "zod";
import { document, type JsonDocument } from "./document.ts";
import { storeName } from "./values.ts";

const network = z.string().describe("the network that the key is for");

const report = {
  ok: z.boolean().describe("whether no check found a problem"),
  node: z.string().nullable().describe("the node's folder; null if it isn't known"),
  checks: z
    .array(
      z.strictObject({
        name: z.string().describe("what was checked"),
        ok: z.boolean().describe("false only for a problem"),
        level: z
          .enum(["good", "unknown", "warning", "problem"])
          .describe("`unknown`: it couldn't be found out"),
        message: z.string().describe("what was found and what to do"),
        store: storeName.optional().describe("the store that it is about, if it is about one"),
      }),
    )
    .describe("in the order in which they were made"),
};

export const doctor = document("What was checked.", z.strictObject(report));

export const init = document(
  "The configuration that was written, and what to do next.",
  z.strictObject({
    file: z.string().describe("where it was written"),
    secretFiles: z.array(z.string()).describe("the files beside it, one for each secret"),
    bake: z
      .string()
      .nullable()
      .describe("the command that bakes a macaroon; null if none is needed"),
    rights: z
      .array(
        z.strictObject({
          store: storeName.describe("the store's name"),
          advice: z.array(z.string()).describe("what its credential must be allowed, for people"),
          policy: z
            .strictObject({
              title: z.string().describe("what it is"),
              text: z.string().describe("the policy itself"),
            })
            .nullable()
            .describe("a policy for that credential; null if the service has none"),
        }),
      )
      .describe("for each store"),
    next: z.array(z.string()).describe("the commands to run next"),
    service: z
      .array(z.string())
      .describe(
        "commands for a root shell that make a service of it; empty if it isn't that simple",
      ),
    doctor: z.strictObject(report).meta({
      form: "object",
      description: "what was checked: as [doctor](#doctor)",
    }),
  }),
);

export const key: JsonDocument = {
  about: "The backup key. Whoever has it can read the node's backups.",
  forms: [
    {
      when: "Printed",
      schema: z.strictObject({
        backupKey: z
          .string()
          .regex(/^[0-9a-f]{64}$/)
          .describe("64 hex digits"),
        network,
      }),
    },
    {
      when: "With -o FILE",
      schema: z.strictObject({ file: z.string().describe("where it was written"), network }),
    },
  ],
};

export const healthcheck = document(
  "What the running mirror answered.",
  z.strictObject({
    ok: z.boolean().describe("whether the status is 200"),
    status: z.int().describe("the HTTP status"),
    text: z.string().describe("the body"),
  }),
);

export const notify = document(
  "What became of each test message.",
  z.strictObject({
    ok: z.boolean().describe("whether all were accepted"),
    sent: z
      .array(
        z.strictObject({
          to: z.string().describe("the receiver, without secrets"),
          ok: z.boolean().describe("whether it was accepted"),
          message: z.string().describe("what was answered, or why it didn't get there"),
        }),
      )
      .describe("in the order of `--notify`, then the heartbeat"),
  }),
);

export const completion = document(
  "The script for a shell.",
  z.strictObject({
    shell: z.enum(["bash", "zsh", "fish"]).describe("the shell"),
    script: z.string().describe("the script"),
  }),
);
