import { S3Client } from "@aws-sdk/client-s3";
import { AssumeRoleCommand, STSClient } from "@aws-sdk/nested-clients/sts";
import type { MinioServer } from "../peers/minio.ts";

/** Somebody with credentials for a while. Whoever makes it destroys the client. */
export interface Bearer {
  readonly env: NodeJS.ProcessEnv;
  readonly client: S3Client;
  /** What none of its output may hold. */
  readonly secrets: readonly string[];
}

/** Credentials that may do what the policy says, and no more. `policy` is JSON. */
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
