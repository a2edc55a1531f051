import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { isAlias, parseDocument, visit } from "yaml";
import { z } from "zod";
import { paths, readTemplate, root } from "./deployment.ts";
import { matchingFilters } from "./log-filters.ts";
import { itNeeds } from "./needs-tool.ts";
import { policyOf } from "./policy.ts";

const { Resources } = readTemplate();
const linter = { inCi: true, remedy: "pip install cfn-lint" };

const taskLogLevel = logLevelOfTask();
const lines = logLines();

/** An alarm counts what the task logs only as long as it logs it. */
function logLevelOfTask(): string {
  const schema = z.array(z.object({ Name: z.string(), Value: z.unknown() }));
  const [container] = z
    .tuple([z.object({ Environment: schema })])
    .parse(Resources["TaskDefinition"]?.Properties["ContainerDefinitions"]);
  const level = container.Environment.find(({ Name }) => Name === "SCB_MIRROR_LOG_LEVEL")?.Value;
  return z.string().default("warn").parse(level);
}

/** What the program writes to stderr when these things happen, one line each. */
function logLines(): Readonly<Record<"refused" | "retrying" | "swapped" | "fatal", string>> {
  const script = `
    import { logMirrorEvent } from "./src/app/event-log.ts";
    import { ScbError } from "./src/runtime/error.ts";
    import { createLogger } from "./src/runtime/logger.ts";
    const logger = createLogger(process.argv[1]);
    const error = new ScbError("store-busy", "scb-mirror waits for the store");
    const commit = { sequence: 1, key: "versions/1", sha256: "", sizeBytes: 1, channels: 1, operation: "" };
    logMirrorEvent({ kind: "refused", code: "empty", message: "it is empty", quarantineKey: null }, logger);
    logMirrorEvent({ kind: "retrying", error, attempt: 1, retryInMs: 1 }, logger);
    logMirrorEvent({ kind: "swapped", commit, reason: "start", elapsedMs: 1, attempts: 1 }, logger);
  `;
  const env = { PATH: process.env["PATH"] };
  const run = (args: readonly string[]): string[] =>
    spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8" }).stderr.split("\n");
  const [refused = "", retrying = "", swapped = ""] = run([
    "--input-type=module",
    "-e",
    script,
    taskLogLevel,
  ]);
  const [fatal = ""] = run(["src/commands/main.ts", "run", "--to", "nowhere"]);
  return { refused, retrying, swapped, fatal };
}

describe("the CloudFormation template", () => {
  itNeeds("cfn-lint", linter, "cfn-lint finds nothing in it", () => {
    const args = ["--non-zero-exit-code", "informational", "--include-checks", "I", "--"];
    const { status, stdout, stderr } = spawnSync("cfn-lint", [...args, paths.template], {
      encoding: "utf8",
    });
    assert.equal(status, 0, stdout + stderr);
    assert.equal(stdout, "");
  });

  it("has no YAML alias, which CloudFormation does not read and cfn-lint does not see", () => {
    const text = readFileSync(paths.template, "utf8");
    visit(parseDocument(text, { logLevel: "error" }), {
      Node: (_, node) => assert.ok(!isAlias(node), `${text.slice(...(node.range ?? []))}`),
    });
  });

  it("lets the task read and add, in the node's folder only", () => {
    const folder = `arn:\${AWS::Partition}:s3:::\${BucketName}/\${Prefix}/\${Node}/*`;
    const bucket = `arn:\${AWS::Partition}:s3:::\${BucketName}`;
    const { Statement } = policyOf("TaskRole");
    assert.deepEqual(
      Statement.map(({ Action, Resource, Condition }) => ({ Action, Resource, Condition })),
      [
        { Action: ["s3:GetObject", "s3:PutObject"], Resource: folder, Condition: undefined },
        {
          Action: "s3:ListBucket",
          Resource: bucket,
          Condition: { StringLike: { "s3:prefix": `\${Prefix}/\${Node}/*` } },
        },
      ],
    );
  });

  it("lets whoever restores read, and nothing else", () => {
    const actions = policyOf("RestorePolicy").Statement.flatMap(({ Action }) => Action);
    assert.deepEqual(actions, ["s3:GetObject", "s3:ListBucket"]);
  });

  it("keeps the bucket and what protects it when the stack goes", () => {
    for (const name of ["Bucket", "BucketTlsOnly"]) {
      assert.equal(Resources[name]?.DeletionPolicy, "Retain", name);
      assert.equal(Resources[name]?.UpdateReplacePolicy, "Retain", name);
    }
    assert.deepEqual(Resources["Bucket"]?.Properties["VersioningConfiguration"], {
      Status: "Enabled",
    });
  });

  it("counts the log lines that the program really writes", () => {
    const counted = Object.entries(lines).map(([what, line]) => [what, matchingFilters([line])]);
    assert.deepEqual(Object.fromEntries(counted), {
      refused: ["ErrorLines"],
      retrying: ["TryingLines"],
      swapped: ["SavedLines"],
      fatal: ["FatalLines"],
    });
  });

  it("has an alarm on every line that it counts, and on the task", () => {
    const metrics = Object.values(Resources)
      .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
      .map(({ Properties }) => Properties["MetricName"]);
    assert.deepEqual(metrics, ["Errors", "Tries", "RunningTaskCount", "Saved"]);
  });
});
