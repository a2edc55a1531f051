import { z } from "zod";

/** The container of a task definition, as ECS holds it. */
const containerSchema = z.object({
  image: z.string(),
  command: z.array(z.string()),
  environment: z.array(z.object({ name: z.string(), value: z.string() })),
  secrets: z.array(z.object({ name: z.string(), valueFrom: z.string() })),
  linuxParameters: z.object({ capabilities: z.object({ drop: z.array(z.string()) }) }),
  readonlyRootFilesystem: z.boolean(),
  stopTimeout: z.number(),
  healthCheck: z.object({
    command: z.tuple([z.literal("CMD")], z.string()),
    timeout: z.number(),
    retries: z.number(),
  }),
});
export const taskDefinitionSchema = z.object({
  taskDefinition: z.object({
    memory: z.string(),
    containerDefinitions: z.tuple([containerSchema]),
  }),
});
export type TaskContainer = z.infer<typeof containerSchema>;

/** What `docker run` takes to run a task's container as ECS's agent does. `secretOf` is Secrets Manager. */
export async function taskForDocker(
  { taskDefinition }: z.infer<typeof taskDefinitionSchema>,
  secretOf: (arn: string) => Promise<string>,
): Promise<readonly string[]> {
  const [container] = taskDefinition.containerDefinitions;
  const secrets = await Promise.all(
    container.secrets.map(async ({ name, valueFrom }) => `${name}=${await secretOf(valueFrom)}`),
  );
  const env = [...container.environment.map(({ name, value }) => `${name}=${value}`), ...secrets];
  return [
    ...(container.readonlyRootFilesystem ? ["--read-only"] : []),
    ...container.linuxParameters.capabilities.drop.flatMap((name) => ["--cap-drop", name]),
    ...["--memory", `${taskDefinition.memory}m`, "--stop-timeout", String(container.stopTimeout)],
    ...env.flatMap((each) => ["--env", each]),
    container.image,
    ...container.command,
  ];
}

/** A Dockerfile that gives the image the task's health check, asked each second. */
export function withHealthCheck({ image, healthCheck }: TaskContainer): string {
  const [, ...command] = healthCheck.command;
  const flags = `--interval=1s --timeout=${healthCheck.timeout}s --retries=${healthCheck.retries}`;
  return `FROM ${image}\nHEALTHCHECK ${flags} CMD ${JSON.stringify(command)}\n`;
}
