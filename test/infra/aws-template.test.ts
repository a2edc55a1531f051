import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { describe, it } from "node:test";
import { isAlias, parseDocument, visit } from "yaml";
import { z } from "zod";
import { paths, readTemplate, root } from "./deployment.ts";
import { itNeeds } from "./needs-tool.ts";
import { policyOf } from "./policy.ts";

const { Resources } = readTemplate();
const linter = { inCi: true, remedy: "pip install cfn-lint" };

const lines = logLines();

/** What the program writes to stderr when these things happen, one line each. */
function logLines(): Readonly<Record<"refused" | "retrying" | "swapped" | "fatal", string>> {
  const script = `
    import { logMirrorEvent } from "./src/app/event-log.ts";
    import { ScbError } from "./src/runtime/error.ts";
    import { createLogger } from "./src/runtime/logger.ts";
    const logger = createLogger("info");
    const error = new ScbError("store-busy", "scb-mirror waits for the store");
    const commit = { sequence: 1, key: "versions/1", sha256: "", sizeBytes: 1, channels: 1, operation: "" };
    logMirrorEvent({ kind: "refused", code: "empty", message: "it is empty", quarantineKey: null }, logger);
    logMirrorEvent({ kind: "retrying", error, attempt: 1, retryInMs: 1 }, logger);
    logMirrorEvent({ kind: "swapped", commit, reason: "start", elapsedMs: 1, attempts: 1 }, logger);
  `;
  const env = { PATH: process.env["PATH"] };
  const run = (args: readonly string[]): string[] =>
    spawnSync(process.execPath, args, { cwd: root, env, encoding: "utf8" }).stderr.split("\n");
  const [refused = "", retrying = "", swapped = ""] = run(["--input-type=module", "-e", script]);
  const [fatal = ""] = run(["src/commands/main.ts", "run", "--to", "nowhere"]);
  return { refused, retrying, swapped, fatal };
}

/** CloudWatch's filter patterns, as far as the template uses them. */
function matches(pattern: string, line: string): boolean {
  const [, phrase] = /^"(.*)"$/.exec(pattern) ?? [];
  if (phrase !== undefined) return line.includes(phrase);
  const [, field, value] = /^\{ \$\.(\w+) = "(.*)" \}$/.exec(pattern) ?? [];
  assert.ok(field !== undefined && value !== undefined, `unknown pattern ${pattern}`);
  if (!line.startsWith("{")) return false;
  const found = z.record(z.string(), z.unknown()).parse(JSON.parse(line))[field];
  if (typeof found !== "string") return false;
  return value.endsWith("*") ? found.startsWith(value.slice(0, -1)) : found === value;
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
    const counted = Object.entries(Resources)
      .filter(([, { Type }]) => Type === "AWS::Logs::MetricFilter")
      .map(([name, { Properties }]) => {
        const pattern = z.string().parse(Properties["FilterPattern"]);
        const hits = Object.entries(lines).filter(([, line]) => matches(pattern, line));
        return [name, hits.map(([what]) => what)];
      });
    assert.deepEqual(Object.fromEntries(counted), {
      ErrorLines: ["refused"],
      FatalLines: ["fatal"],
      TryingLines: ["retrying"],
      SavedLines: ["swapped"],
    });
  });

  it("has an alarm on every line that it counts, and on the task", () => {
    const metrics = Object.values(Resources)
      .filter(({ Type }) => Type === "AWS::CloudWatch::Alarm")
      .map(({ Properties }) => Properties["MetricName"]);
    assert.deepEqual(metrics, ["Errors", "Tries", "RunningTaskCount", "Saved"]);
  });
});
