import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { describe, it } from "node:test";
import { readCompose, root } from "./deployment.ts";

const { services } = readCompose();

describe("docker-compose.yml", () => {
  for (const [name, service] of Object.entries(services)) {
    it(`${name}: its image is built here, or pinned by tag and digest`, () => {
      if (service.build !== undefined) {
        assert.ok(existsSync(`${root}${service.build.dockerfile}`), service.build.dockerfile);
        assert.equal(service.build.context, ".");
        return;
      }
      assert.match(service.image, /^[a-z./]+:(?!latest)[\w.-]*\d[\w.-]*@sha256:[0-9a-f]{64}$/);
    });

    it(`${name}: what it waits for is there and can be waited for`, () => {
      for (const [other, { condition }] of Object.entries(service.depends_on ?? {})) {
        const target = services[other];
        assert.ok(target !== undefined, other);
        if (condition === "service_healthy") assert.ok(target.healthcheck !== undefined, other);
        else assert.equal(condition, "service_completed_successfully");
      }
    });

    it(`${name}: nothing is published beyond this machine`, () => {
      for (const port of service.ports ?? []) assert.match(port, /^127\.0\.0\.1:\d+:\d+$/);
    });
  }

  it("has a health check on everything that stays up", () => {
    const checked = Object.entries(services).filter(([, service]) => service.healthcheck);
    assert.deepEqual(
      checked.map(([name]) => name),
      ["minio", "demo", "lnd"],
    );
  });

  it("gives the mirrors the credentials that MinIO has", () => {
    const { MINIO_ROOT_USER, MINIO_ROOT_PASSWORD } = services["minio"]?.environment ?? {};
    for (const name of ["demo", "lnd"]) {
      const environment = services[name]?.environment;
      assert.equal(environment?.["AWS_ACCESS_KEY_ID"], MINIO_ROOT_USER);
      assert.equal(environment?.["AWS_SECRET_ACCESS_KEY"], MINIO_ROOT_PASSWORD);
    }
    assert.equal(
      services["bucket"]?.environment["MC_HOST_playground"],
      `http://${MINIO_ROOT_USER}:${MINIO_ROOT_PASSWORD}@minio:9000`,
    );
  });
});
