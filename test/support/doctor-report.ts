import { z } from "zod";

/** The documented output of `doctor --json`. */
export const doctorSchema = z.object({
  ok: z.boolean(),
  checks: z.array(
    z.object({
      name: z.string(),
      ok: z.boolean(),
      level: z.enum(["good", "unknown", "warning", "problem"]),
      message: z.string().min(1),
    }),
  ),
});
type Report = z.infer<typeof doctorSchema>;

export function levelsOf({ checks }: Report): Readonly<Record<string, string>> {
  return Object.fromEntries(checks.map(({ name, level }) => [name, level]));
}

export function messageOf({ checks }: Report, name: string): string {
  return checks.find((check) => check.name === name)?.message ?? `no ${name}`;
}
