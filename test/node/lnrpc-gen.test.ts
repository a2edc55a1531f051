import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { describe, it } from "node:test";
import { promisify } from "node:util";

const root = new URL("../../", import.meta.url).pathname;
const bin = join(root, "node_modules", ".bin");

describe("the code generated from the .proto files", () => {
  it("is what `npm run generate` makes", async () => {
    const out = await mkdtemp(join(tmpdir(), "scb-gen-"));
    try {
      await promisify(execFile)(
        join(bin, "buf"),
        ["generate", "src/node/lnd", "--template", "src/node/lnd/buf.gen.yaml", "-o", out],
        { cwd: root, env: { ...process.env, PATH: [bin, process.env["PATH"]].join(delimiter) } },
      );
      for (const name of ["lnrpc_pb.ts", "walletrpc_pb.ts"]) {
        const path = `src/node/lnd/gen/${name}`;
        assert.equal(
          await readFile(join(out, path), "utf8"),
          await readFile(join(root, path), "utf8"),
        );
      }
    } finally {
      await rm(out, { recursive: true, force: true });
    }
  });
});
