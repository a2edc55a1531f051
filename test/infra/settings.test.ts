import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { z } from "zod";
import { durationMs } from "../../src/app/duration.ts";
import { loadSettings } from "../../src/app/settings.ts";
import { lndCalls } from "../../src/node/lnd/lnd-calls.ts";
import { ScbError } from "../../src/runtime/error.ts";
import { paths, readCompose, readTemplate, readUnit } from "./deployment.ts";

const containerSchema = z.tuple([
  z.object({
    Environment: z.array(z.object({ Name: z.string(), Value: z.unknown() })),
    Secrets: z.array(z.object({ Name: z.string(), ValueFrom: z.string() })),
    StopTimeout: z.number(),
    HealthCheck: z.object({ Command: z.array(z.string()), Timeout: z.number() }),
  }),
]);

function container(): z.infer<typeof containerSchema>[0] {
  const { TaskDefinition } = readTemplate().Resources;
  return containerSchema.parse(TaskDefinition?.Properties["ContainerDefinitions"])[0];
}

function composeEnvironments(): readonly (readonly [string, Record<string, string>])[] {
  const services = Object.entries(readCompose().services);
  return services.map(([name, { environment }]) => [`compose: ${name}`, environment] as const);
}

function unitEnvironment(): Record<string, string> {
  const lines = readUnit().filter(([name]) => name === "Environment");
  return Object.fromEntries(
    lines.map(([, value]) => [value.split("=")[0] ?? "", value.slice(value.indexOf("=") + 1)]),
  );
}

function taskEnvironment(): Record<string, string> {
  const { Environment, Secrets } = container();
  return Object.fromEntries([
    ...Environment.map(({ Name, Value }) => [Name, String(Value)]),
    ...Secrets.map(({ Name, ValueFrom }) => [Name, ValueFrom]),
  ]);
}

describe("what the deployments set", () => {
  const environments = [
    ...composeEnvironments(),
    ["unit", unitEnvironment()],
    ["template", taskEnvironment()],
  ] as const;
  const ours = environments.filter(([, values]) =>
    Object.keys(values).some((name) => name.startsWith("SCB_MIRROR_")),
  );

  it("is set in each of them", () => {
    const names = ours.map(([name]) => name);
    assert.deepEqual(names, ["compose: demo", "compose: lnd", "unit", "template"]);
  });

  for (const [name, environment] of ours) {
    it(`${name}: the program takes every variable and its value`, () => {
      loadSettings({}, environment);
    });
  }

  for (const [name, path] of Object.entries(paths)) {
    it(`${name}: every variable that is named, in a comment too, is a setting`, () => {
      const named = readFileSync(path, "utf8").match(/SCB_MIRROR_[A-Z0-9_]+/g) ?? [];
      for (const variable of new Set(named)) {
        try {
          loadSettings({}, { [variable]: "a value" });
        } catch (error) {
          // A setting may not take this value; that it is one is all that counts here.
          assert.ok(error instanceof ScbError);
          assert.doesNotMatch(error.message, /is not a setting/, path);
        }
      }
    });
  }
});

it("docs/deploy.md bakes a macaroon for the calls that are made, and no others", () => {
  const uris = readFileSync(paths.guide, "utf8").match(/(?<=uri:\/lnrpc\.Lightning\/)\w+/g);
  assert.deepEqual([...(uris ?? [])].sort(), [...lndCalls].sort());
});

describe("the health checks", () => {
  const dockerfile = readFileSync(paths.dockerfile, "utf8");
  const inImage = /^HEALTHCHECK .* CMD (.*)$/m.exec(dockerfile)?.[1] ?? "[]";
  const checks = {
    image: ["CMD", ...z.array(z.string()).parse(JSON.parse(inImage))],
    template: container().HealthCheck.Command,
    "compose: demo": readCompose().services["demo"]?.healthcheck?.test,
    "compose: lnd": readCompose().services["lnd"]?.healthcheck?.test,
  };
  for (const [name, command] of Object.entries(checks)) {
    it(`${name}: asks the run that listens there`, () => {
      assert.deepEqual(command?.slice(0, 4), ["CMD", "node", "/app/cli.js", "healthcheck"]);
    });
  }

  it("give the run an address to listen at", () => {
    const inImage = /^ENV SCB_MIRROR_LISTEN=(.*)$/m.exec(dockerfile)?.[1];
    const compose = Object.fromEntries(composeEnvironments());
    const addresses = [
      inImage,
      taskEnvironment()["SCB_MIRROR_LISTEN"],
      compose["compose: demo"]?.["SCB_MIRROR_LISTEN"],
      compose["compose: lnd"]?.["SCB_MIRROR_LISTEN"],
    ];
    for (const address of addresses) {
      assert.ok(address !== undefined);
      assert.equal(
        loadSettings({ listen: address }, {}).listen?.port.toString(),
        address.split(":")[1],
      );
    }
  });

  it("end sooner than whoever asks for them loses patience", () => {
    assert.ok(container().HealthCheck.Timeout > 5);
  });
});

describe("the time to stop", () => {
  const shutdownTimeoutMs = loadSettings({}, {})["shutdown-timeout"];
  const graces = {
    unit: Number(readUnit().find(([name]) => name === "TimeoutStopSec")?.[1]) * 1000,
    template: container().StopTimeout * 1000,
    "compose: demo": durationMs(readCompose().services["demo"]?.stop_grace_period ?? "") ?? 0,
    "compose: lnd": durationMs(readCompose().services["lnd"]?.stop_grace_period ?? "") ?? 0,
  };
  for (const [name, graceMs] of Object.entries(graces)) {
    it(`${name}: a swap under way has its own time and some to spare`, () => {
      assert.ok(graceMs >= shutdownTimeoutMs + 10_000, `${graceMs} ms`);
    });
  }
});
