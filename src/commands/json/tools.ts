import * as z from "zod";
import { document, type JsonDocument } from "./document.ts";
import { storeName } from "./values.ts";

const network = z.string().describe("the network that the key is for");

export const doctor = document(
  "What was checked.",
  z.strictObject({
    ok: z.boolean().describe("whether no check found a problem"),
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
