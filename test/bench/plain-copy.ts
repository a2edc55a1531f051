/**
 * The minimal copy with the AWS SDK: it reads each object, and writes it with its metadata,
 * sixteen at once. It proves, compares and orders nothing. Usage: plain-copy.ts FROM TO
 */
import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
} from "@aws-sdk/client-s3";
import PQueue from "p-queue";

const [, , from = "", to = ""] = process.argv;
const client = new S3Client({
  forcePathStyle: true,
  requestChecksumCalculation: "WHEN_REQUIRED",
  responseChecksumValidation: "WHEN_REQUIRED",
});
const queue = new PQueue({ concurrency: 16 });
let ContinuationToken: string | undefined;
do {
  const page = await client.send(new ListObjectsV2Command({ Bucket: from, ContinuationToken }));
  for (const { Key } of page.Contents ?? []) {
    void queue.add(async () => {
      const { Body, Metadata } = await client.send(new GetObjectCommand({ Bucket: from, Key }));
      const bytes = await Body?.transformToByteArray();
      await client.send(
        new PutObjectCommand({ Bucket: to, Key, Body: bytes ?? "", Metadata: Metadata ?? {} }),
      );
    });
  }
  ContinuationToken = page.NextContinuationToken;
} while (ContinuationToken !== undefined);
await queue.onIdle();
client.destroy();
