import { after, before, describe } from "node:test";
import { parseLocation } from "../../src/store/parse-location.ts";
import { newGroundAt } from "../conformance/ground-at.ts";
import { peerConformance } from "../conformance/results.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import type { BucketOptions, S3Server } from "../peers/s3-server.ts";
import { startSeaweedFs } from "../peers/seaweedfs.ts";
import { startVersityGateway } from "../peers/versity-gateway.ts";
import { setEnv } from "../support/env.ts";

interface Bucket {
  readonly name: string;
  readonly options: BucketOptions;
  /** Its entry in test/conformance/results.json. */
  readonly result: string;
}

holdToItsResults("versitygw", startVersityGateway, [
  { name: "plain", options: {}, result: "versitygw" },
  { name: "versioned", options: { versioning: true }, result: "versitygw-versioned" },
  { name: "locked", options: { objectLock: true }, result: "versitygw-versioned" },
]);

// A bucket with object lock is versioned, and races take long here.
holdToItsResults("seaweedfs", startSeaweedFs, [
  { name: "plain", options: {}, result: "seaweedfs" },
  { name: "locked", options: { objectLock: true }, result: "seaweedfs" },
]);

function holdToItsResults(
  peer: "versitygw" | "seaweedfs",
  start: () => Promise<S3Server>,
  buckets: readonly Bucket[],
): void {
  peerSuite(`S3Store on ${peer}`, [peer], () => {
    let server: S3Server;
    let env: Disposable | undefined;
    before(async () => {
      server = await start();
      env = setEnv(server.env());
      for (const { name, options } of buckets) await server.createBucket(name, options);
    });
    after(async () => {
      env?.[Symbol.dispose]();
      await server?.[Symbol.asyncDispose]();
    });

    for (const { name, result } of buckets) {
      const location = parseLocation(`s3://${name}`);
      describe(`a bucket that is ${name}`, () => {
        peerConformance(result, async () => newGroundAt(location, "ground"));
      });
    }
  });
}
