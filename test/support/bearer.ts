import { S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/nested-clients/sts";
import type { MinioServer } from "../peers/minio.ts";

/** A client with temporary credentials. The caller destroys the client. */
export interface Bearer {
  readonly env: NodeJS.ProcessEnv;
  readonly client: S3Client;
  /** Secrets that must not appear in any output. */
  readonly secrets: readonly string[];
}

/** Credentials with exactly the permissions of the policy. `policy` is JSON. */
export async function bearerOf(minio: MinioServer, policy: string): Promise<Bearer> {
  const { endpoint, region, accessKeyId, secretAccessKey } = minio;
  const sts = new STSClient({ endpoint, region, credentials: { accessKeyId, secretAccessKey } });
  const answer = await sts.send(
    new AssumeRoleCommand({
      RoleArn: "arn:minio:iam:::role/unused",
      RoleSessionName: "test",
      Policy: policy,
    }),
  );
  sts.destroy();
  const { AccessKeyId = "", SecretAccessKey = "", SessionToken = "" } = answer.Credentials ?? {};
  const credentials = {
    accessKeyId: AccessKeyId,
    secretAccessKey: SecretAccessKey,
    sessionToken: SessionToken,
  };
  return {
    env: {
      ...minio.env(),
      AWS_ACCESS_KEY_ID: AccessKeyId,
      AWS_SECRET_ACCESS_KEY: SecretAccessKey,
      AWS_SESSION_TOKEN: SessionToken,
    },
    client: new S3Client({ endpoint, region, credentials, forcePathStyle: true }),
    secrets: [SecretAccessKey, SessionToken],
  };
}
