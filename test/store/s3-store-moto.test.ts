import { after, before, describe, it } from "node:test";
import { parseLocation } from "../../src/store/parse-location.ts";
import { conditionChecks } from "../../src/testing/object-store-conditions.ts";
import { objectChecks } from "../../src/testing/object-store-objects.ts";
import { runStoreCheck } from "../../src/testing/object-store-suite.ts";
import { newGroundAt } from "../conformance/ground-at.ts";
import { type MotoServer, startMoto } from "../peers/moto.ts";
import { peerSuite } from "../peers/peer-suite.ts";
import { setEnv } from "../support/env.ts";

// moto looks at a condition, and then writes, on threads that share a bucket: the suite's races found
// an increment of twenty lost. So it can stand for AWS's answers, and not for its races.
const checks = [...objectChecks, ...conditionChecks];

peerSuite("S3Store on moto", ["moto"], () => {
  let moto: MotoServer;
  let env: Disposable | undefined;

  before(async () => {
    moto = await startMoto();
    env = setEnv(moto.env());
    await moto.createVersionedBucket("versioned");
  });
  after(async () => {
    env?.[Symbol.dispose]();
    await moto?.[Symbol.asyncDispose]();
  });

  describe("keeps the promises of ObjectStore, one request after the other", () => {
    const location = parseLocation("s3://versioned");
    for (const check of checks) {
      it(check.name, () => runStoreCheck(check, async () => newGroundAt(location, "ground")));
    }
  });
});
