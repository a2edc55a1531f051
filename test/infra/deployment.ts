import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parse } from "yaml";
import { z } from "zod";

/** The top of the checkout, with a slash at its end. */
export const root = fileURLToPath(new URL("../..", import.meta.url));

export const paths = {
  dockerfile: `${root}infra/Dockerfile`,
  template: `${root}infra/aws/scb-mirror.yaml`,
  unit: `${root}infra/systemd/scb-mirror.service`,
  guide: `${root}docs/deploy.md`,
  compose: `${root}docker-compose.yml`,
} as const;

const strings = z.record(z.string(), z.string());

const healthcheckSchema = z.object({ test: z.tuple([z.literal("CMD")], z.string()) });
const composeSchema = z.strictObject({
  version: z.literal("3.8"),
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      build: z.object({ context: z.string(), dockerfile: z.string() }).optional(),
      environment: strings,
      depends_on: z.record(z.string(), z.object({ condition: z.string() })).optional(),
      healthcheck: healthcheckSchema.optional(),
      ports: z.array(z.string()).optional(),
      command: z.union([z.string(), z.array(z.string())]).optional(),
      stop_grace_period: z.string().optional(),
    }),
  ),
  volumes: z.record(z.string(), z.unknown()),
  "x-minio-image": z.unknown(),
  "x-scb-mirror": z.unknown(),
});

export function readCompose(): z.infer<typeof composeSchema> {
  return composeSchema.parse(parse(readFileSync(paths.compose, "utf8"), { merge: true }));
}

const templateSchema = z.object({
  Resources: z.record(
    z.string(),
    z.object({
      Type: z.string(),
      DeletionPolicy: z.string().optional(),
      UpdateReplacePolicy: z.string().optional(),
      Properties: z.record(z.string(), z.unknown()),
    }),
  ),
});

/** The template, with each short form (`!Sub "…"`, `!Ref X`) as what stands after it. */
export function readTemplate(): z.infer<typeof templateSchema> {
  const text = readFileSync(paths.template, "utf8");
  return templateSchema.parse(parse(text, { logLevel: "error" }));
}

/** The unit's lines as pairs, for a directive may come more than once. */
export function readUnit(): readonly (readonly [name: string, value: string])[] {
  const lines = readFileSync(paths.unit, "utf8").split("\n");
  return lines.flatMap((line) => {
    const [, name, value] = /^([A-Za-z]+)=(.*)$/.exec(line) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
}
