import type { MinioServer } from "../peers/minio.ts";
import { bearerOf } from "./bearer.ts";

/** One statement of an S3 policy. */
export interface Allowed {
  readonly actions: readonly string[];
  /** Buckets, or keys in them: `bucket`, `bucket/prefix/*`. */
  readonly resources: readonly string[];
}

/** What an operator keeps in a safe: a read-only credential for the bucket. */
export function readOnly(bucket: string): readonly Allowed[] {
  return [
    { actions: ["s3:GetObject"], resources: [`${bucket}/*`] },
    { actions: ["s3:ListBucket"], resources: [bucket] },
  ];
}

/** A credential with only these permissions, as variables for a child process. */
export async function credentialFor(
  minio: MinioServer,
  allowed: readonly Allowed[],
): Promise<NodeJS.ProcessEnv> {
  const Statement = allowed.map(({ actions, resources }) => ({
    Effect: "Allow",
    Action: actions,
    Resource: resources.map((resource) => `arn:aws:s3:::${resource}`),
  }));
  const bearer = await bearerOf(minio, JSON.stringify({ Version: "2012-10-17", Statement }));
  bearer.client.destroy();
  return bearer.env;
}
