import type { S3Location } from "./s3-location.ts";

/**
 * The least IAM policy for a mirror in the node's folder `folder`: to add, read and list. It may delete
 * only what its probe wrote.
 */
export function mirrorPolicy(
  { bucket, prefix }: Pick<S3Location, "bucket" | "prefix">,
  folder: string,
): object {
  const arn = `arn:aws:s3:::${bucket}`;
  const path = prefix === "" ? folder : `${prefix}/${folder}`;
  return {
    Version: "2012-10-17",
    Statement: [
      {
        Sid: "ReadAndWriteTheNodesFolder",
        Effect: "Allow",
        Action: ["s3:GetObject", "s3:PutObject"],
        Resource: `${arn}/${path}/*`,
      },
      {
        Sid: "CleanUpAfterTheProbe",
        Effect: "Allow",
        Action: "s3:DeleteObject",
        Resource: `${arn}/${path}/probe/*`,
      },
      {
        Sid: "SeeHowTheBucketIsSetUp",
        Effect: "Allow",
        Action: ["s3:GetBucketVersioning", "s3:GetBucketObjectLockConfiguration"],
        Resource: arn,
      },
      {
        Sid: "ListTheNodesFolder",
        Effect: "Allow",
        Action: "s3:ListBucket",
        Resource: arn,
        Condition: { StringLike: { "s3:prefix": `${path}/*` } },
      },
    ],
  };
}
