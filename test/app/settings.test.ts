import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { environmentName } from "../../src/app/settings/environment.ts";
import { type SettingName, settingNames, settingTable } from "../../src/app/settings/table.ts";
import { loadSettings } from "../../src/app/settings.ts";
import { neededOf } from "../../src/checks/requirement.ts";
import type { ScbError } from "../../src/runtime/error.ts";

const settingsUrl = new URL("../../src/app/settings.ts", import.meta.url).href;

let folder: string;
before(async () => {
  folder = await mkdtemp(join(tmpdir(), "scb-settings-"));
});
after(() => rm(folder, { recursive: true, force: true }));

let files = 0;
async function fileOf(text: string): Promise<string> {
  files += 1;
  const path = join(folder, `file-${files}`);
  await writeFile(path, text);
  return path;
}

/** A value that is not the default, for each setting that takes not just any text. */
const samples: Partial<Record<SettingName, string>> = {
  network: "regtest",
  "log-level": "debug",
  "single-writer": "true",
  socksproxy: "127.0.0.1:9050",
  require: "majority",
  listen: "9847",
  heartbeat: "https://hc.example/ping/some-uuid",
  notify: "https://hooks.example/x ntfys://ntfy.example/topic",
  "notify-details": "true",
};

async function sampleOf(name: SettingName): Promise<string> {
  if (name === "config") return fileOf("node: alice\n");
  const isDuration = settingTable[name].placeholder === "duration";
  return samples[name] ?? (isDuration ? "90m" : `some-${name}`);
}

const names = settingNames.filter((name) => name !== "config");

describe("every setting", () => {
  for (const name of settingNames) {
    it(`${name}: is the same from a flag, the environment, a file that it names, and YAML`, async () => {
      const text = await sampleOf(name);
      const variable = environmentName(name);
      const fromFlag = loadSettings({ [name]: text }, {});
      assert.notDeepEqual(fromFlag[name], loadSettings({}, {})[name]);
      assert.deepEqual(loadSettings({}, { [variable]: ` ${text}\r\n` }), fromFlag);
      const file = await fileOf(`\n ${text} \t\n`);
      assert.deepEqual(loadSettings({}, { [`${variable}_FILE`]: `${file} ` }), fromFlag);
      if (name === "config") return;
      const config = await fileOf(`${name}: "  ${text}\\n"\n`);
      assert.deepEqual(loadSettings({ config }, {}), { ...fromFlag, config });
      const naming = await fileOf(`${name}-file: ${file}\n`);
      assert.deepEqual(loadSettings({ config: naming }, {}), { ...fromFlag, config: naming });
    });

    it(`${name}: counts as not set if it is empty`, async () => {
      const variable = environmentName(name);
      const file = await fileOf(" \n");
      const none = loadSettings({}, {});
      assert.deepEqual(loadSettings({}, { [variable]: "" }), none);
      assert.deepEqual(loadSettings({}, { [variable]: " \n" }), none);
      assert.deepEqual(loadSettings({}, { [`${variable}_FILE`]: file }), none);
      if (name === "config") return;
      const config = await fileOf(`${name}: " "\n`);
      assert.deepEqual(loadSettings({ config }, {}), { ...none, config });
      const naming = await fileOf(`${name}-file: ${file}\n`);
      assert.deepEqual(loadSettings({ config: naming }, {}), { ...none, config: naming });
      const bare = await fileOf(`${name}:\n`);
      assert.deepEqual(loadSettings({ config: bare }, {}), { ...none, config: bare });
    });

    it(`${name}: is wrong usage if the environment gives it and a file with it`, async () => {
      const variable = environmentName(name);
      const file = await fileOf(await sampleOf(name));
      const both = { [variable]: await sampleOf(name), [`${variable}_FILE`]: file };
      assert.throws(() => loadSettings({}, both), {
        code: "usage",
        message: `${variable} and ${variable}_FILE (${file}) both give ${name}: remove one of them`,
      });
    });
  }

  it("no setting's variable is another one's with _FILE", () => {
    const variables = settingNames.map(environmentName);
    const doubled = variables.filter((variable) => variables.includes(`${variable}_FILE`));
    assert.deepEqual(doubled, []);
    const named: readonly string[] = settingNames.map((name) => `${name}-file`);
    assert.deepEqual(
      settingNames.filter((name) => named.includes(name)),
      [],
    );
  });

  it("a value and a file with it, both in YAML, are wrong usage", async () => {
    const file = await fileOf("bob");
    const config = await fileOf(`node-file: ${file}\nnode: alice\n`);
    assert.throws(() => loadSettings({ config }, {}), {
      code: "usage",
      message: `node-file in ${config} (${file}) and node in ${config}: remove one of them`,
    });
  });

  it("a file that YAML names is not read if its value is given elsewhere", async () => {
    const config = await fileOf(`node-file: ${join(folder, "none")}\n`);
    assert.throws(() => loadSettings({ config }, {}), {
      code: "usage",
      message: /^node-file in .*: cannot read .*: there is no such file$/,
    });
    assert.equal(loadSettings({ config, node: "alice" }, {}).node, "alice");
    assert.equal(loadSettings({ config }, { SCB_MIRROR_NODE: "bob" }).node, "bob");
  });
});

describe("a file that holds a setting", () => {
  const wrong: readonly (readonly [string, () => Promise<string> | string, RegExp])[] = [
    ["is not there", () => join(folder, "none"), /there is no such file/],
    ["is a folder", () => folder, /it is a folder/],
    ["is far too large", () => fileOf("x".repeat(300_000)), /larger than 256 KiB/],
    ["never ends", () => "/dev/zero", /larger than 256 KiB/],
  ];
  for (const [what, path, message] of wrong) {
    it(`${what}: is named, and wrong usage`, async () => {
      const file = await path();
      assert.throws(
        () => loadSettings({}, { SCB_MIRROR_TO_FILE: file }),
        (error: Error) => {
          assert.match(error.message, message);
          assert.ok(error.message.startsWith(`SCB_MIRROR_TO_FILE: cannot read ${file}: `));
          return true;
        },
      );
      assert.throws(() => loadSettings({ config: file }, {}), { code: "usage", message });
    });
  }

  it("a pipe that nobody writes to holds nobody up, and is not taken for an empty value", () => {
    const path = join(folder, "pipe");
    spawnSync("mkfifo", [path]);
    const message = `SCB_MIRROR_TO_FILE: cannot read ${path}: it is a pipe that nobody writes to`;
    assert.throws(() => loadSettings({}, { SCB_MIRROR_TO_FILE: path }), { code: "usage", message });
  });

  it("a pipe that holds the value is read", () => {
    const script = `import { loadSettings } from ${JSON.stringify(settingsUrl)};
      process.stdout.write(String(loadSettings({}, process.env).to));`;
    const line = 'SCB_MIRROR_TO_FILE=<(echo " s3://bucket ") exec "$0" --input-type=module -e "$1"';
    const { stdout } = spawnSync("bash", ["-c", line, process.execPath, script], {
      encoding: "utf8",
    });
    assert.equal(stdout, "s3://bucket");
  });

  it("a secret in such a file is in no message", async () => {
    const secret = `lndconnect://127.0.0.1:1?macaroon=${"ab".repeat(40)}`;
    const file = await fileOf(secret);
    for (const environment of [
      { SCB_MIRROR_NETWORK_FILE: file },
      { SCB_MIRROR_LNDCONNECT: secret, SCB_MIRROR_LNDCONNECT_FILE: file },
      { SCB_MIRROR_LNDCONNECT_FILE: "ab".repeat(40) },
    ]) {
      assert.throws(
        () => loadSettings({}, environment),
        (error: ScbError) => {
          assert.equal(error.code, "usage");
          assert.doesNotMatch(error.message, /abab/);
          return true;
        },
      );
    }
  });
});

describe("a YAML file of settings", () => {
  it("keeps a value as it stands there", async () => {
    const config = await fileOf("node: 0123\nsingle-writer: true\nfrom: null\n");
    const { node, from, "single-writer": singleWriter } = loadSettings({ config }, {});
    assert.deepEqual(
      { node, from, singleWriter },
      { node: "0123", from: "null", singleWriter: true },
    );
  });

  it("takes a list for what may be given several times", async () => {
    const stores = ["s3://a", "file:///b"];
    const config = await fileOf("to:\n  - s3://a\n  - file:///b\n");
    assert.deepEqual(loadSettings({ config }, {}).to, stores);
    assert.deepEqual(loadSettings({}, { SCB_MIRROR_TO: "s3://a\n file:///b " }).to, stores);
  });

  const wrong: readonly (readonly [string, string, RegExp])[] = [
    ["a name twice", "to: a\nto: b\n", /not valid YAML: duplicate key in line 2, column 1$/],
    ["a list", "node: [a, b]\n", /^node in .*: must be one value$/],
    ["a list of lists", "to: [[a]]\n", /^to in .*: must be a value or a list of values$/],
    ["a map", "node: {a: b}\n", /^node in .*: must be one value$/],
    ["an unknown name", "too: a\n", /^"too" in .* is not a setting/],
    ["another file of settings", "config: a\n", /^"config" in .* is not a setting/],
    ["no map", "- a\n", /must be a YAML map/],
    ["what is no YAML", "a: b: c\n", /cannot read the configuration/],
    ["a wrong value", "max-age: soon\n", /^max-age in .*: must be a duration/],
  ];
  for (const [what, text, message] of wrong) {
    it(`that holds ${what} is wrong usage`, async () => {
      const config = await fileOf(text);
      assert.throws(() => loadSettings({ config }, {}), { code: "usage", message });
    });
  }
});

describe("how many stores have to be right", () => {
  it("is all, most, or a number of them", () => {
    assert.equal(loadSettings({}, {}).require, "all");
    assert.equal(loadSettings({ require: "2" }, {}).require, 2);
    assert.deepEqual(
      [2, 3, 4].map((count) => neededOf("majority", count)),
      [2, 2, 3],
    );
    assert.equal(neededOf("all", 3), 3);
  });

  for (const text of ["0", "-1", "1.5", "most", "2 of 3"]) {
    it(`${text} is wrong usage`, () => {
      const message = "--require: must be all, majority or a number, 1 or more";
      assert.throws(() => loadSettings({ require: text }, {}), { code: "usage", message });
    });
  }
});

describe("how long and how often", () => {
  const day = 86_400_000;
  const taken: readonly (readonly [SettingName, string, number])[] = [
    ["look-interval", "1s", 1000],
    ["look-interval", "60d", 60 * day],
    ["refresh-interval", "1s", 1000],
    ["refresh-interval", "60d", 60 * day],
    ["drill-interval", "1s", 1000],
    ["drill-interval", "1y", 365 * day],
    ["min-interval", "1ms", 1],
    ["max-age", "90d", 90 * day],
    ["timeout", "24d", 24 * day],
  ];
  for (const [name, text, ms] of taken) {
    it(`--${name} ${text}`, () => assert.equal(loadSettings({ [name]: text }, {})[name], ms));
  }

  it("five minutes from one look to the next, unless it is set", () => {
    assert.equal(loadSettings({}, {})["look-interval"], 5 * 60_000);
  });

  const refused: readonly (readonly [SettingName, string, RegExp])[] = [
    ["look-interval", "999ms", /^--look-interval: must be a duration of at least 1s$/],
    ["look-interval", "off", /must be a duration/],
    ["look-interval", "0s", /must be a duration/],
    // No timer holds them, and nobody means them.
    ["timeout", "25d", /^--timeout: must be a duration of at most 24d$/],
    ["request-timeout", "1y", /at most 24d/],
    ["shutdown-timeout", "60d", /at most 24d/],
  ];
  for (const [name, text, message] of refused) {
    it(`--${name} ${text} is wrong usage`, () =>
      assert.throws(() => loadSettings({ [name]: text }, {}), { code: "usage", message }));
  }
});

describe("names of the environment that are no setting", () => {
  /** As Kubernetes sets them. */
  const links = {
    SCB_MIRROR_SERVICE_HOST: "10.0.0.1",
    SCB_MIRROR_SERVICE_PORT: "443",
    SCB_MIRROR_SERVICE_PORT_HTTPS: "443",
    SCB_MIRROR_PORT: "tcp://10.0.0.1:443",
    SCB_MIRROR_PORT_443_TCP: "tcp://10.0.0.1:443",
    SCB_MIRROR_PORT_443_TCP_PROTO: "tcp",
    SCB_MIRROR_PORT_443_TCP_PORT: "443",
    SCB_MIRROR_PORT_443_TCP_ADDR: "10.0.0.1",
    SCB_MIRROR_METRICS_SERVICE_HOST: "10.0.0.2",
    SCB_MIRROR_METRICS_PORT: "udp://10.0.0.2:9090",
    SCB_MIRROR_METRICS_PORT_9090_UDP_ADDR: "10.0.0.2",
  };

  it("Kubernetes' service links are passed over, with one warning", () => {
    const warnings: string[] = [];
    const settings = loadSettings({}, { ...links, SCB_MIRROR_NODE: "alice" }, (warning) =>
      warnings.push(warning),
    );
    assert.equal(settings.node, "alice");
    assert.equal(warnings.length, 1);
    for (const name of Object.keys(links)) assert.ok(warnings[0]?.includes(name), name);
  });

  it("there is no warning without them", () => {
    loadSettings({}, { SCB_MIRROR_NODE: "alice", KUBERNETES_PORT: "tcp://10.0.0.1:443" }, () =>
      assert.fail("warned"),
    );
  });

  const unknown: Readonly<Record<string, string>> = {
    SCB_MIRROR_TWO: "s3://b",
    SCB_MIRROR_PORT: "8080",
    SCB_MIRROR_NODE_PORT: "9735",
    SCB_MIRROR_TWO_FILE: "/run/secrets/to",
    SCB_MIRROR_FILE: "/run/secrets/to",
    SCB_MIRROR_TO_FILE_FILE: "/run/secrets/to",
    SCB_MIRROR_: "x",
  };
  for (const [name, value] of Object.entries(unknown)) {
    it(`${name}=${value} is wrong usage`, () => {
      assert.throws(() => loadSettings({}, { [name]: value }), {
        code: "usage",
        message: new RegExp(`^the environment variable ${name} is not a setting of scb-mirror`),
      });
    });
  }
});

it("flags beat the environment, which beats the file", async () => {
  for (const name of names) {
    const text = await sampleOf(name);
    const config = await fileOf(`${name}: nonsense\n`);
    const variable = environmentName(name);
    assert.deepEqual(
      loadSettings({ config, [name]: text }, { [variable]: "nonsense" }),
      loadSettings({ config, [name]: text }, {}),
    );
    assert.deepEqual(
      loadSettings({ config }, { [variable]: text }),
      loadSettings({ [name]: text, config }, {}),
    );
  }
});
