import { z } from "zod";
import { readTemplate } from "./deployment.ts";

const policySchema = z.object({
  Version: z.string(),
  Statement: z.array(
    z.object({
      Sid: z.string(),
      Effect: z.literal("Allow"),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.string(),
      Condition: z.unknown().optional(),
    }),
  ),
});
type Policy = z.infer<typeof policySchema>;

const inlineSchema = z.tuple([z.object({ PolicyDocument: policySchema })]);

/** What the template lets the bearer of this role or policy do. */
export function policyOf(resource: "TaskRole" | "RestorePolicy"): Policy {
  const properties = readTemplate().Resources[resource]?.Properties;
  return resource === "TaskRole"
    ? inlineSchema.parse(properties?.["Policies"])[0].PolicyDocument
    : policySchema.parse(properties?.["PolicyDocument"]);
}

/** As JSON, with the stack's parameters put in. Throws for one that has no value. */
export function resolvedPolicy(policy: Policy, values: Readonly<Record<string, string>>): string {
  return JSON.stringify(policy).replaceAll(/\$\{([\w:]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`no value for ${name}`);
    return value;
  });
}
