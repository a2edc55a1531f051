/**
 * `npm start`: installs what is missing, then mirrors. Without arguments it mirrors the demo node into
 * the folder `data`, so that a newcomer sees backups being made at once.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath, pathToFileURL } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const installed = `${root}node_modules/.package-lock.json`;

const isInstalled =
  existsSync(installed) &&
  statSync(installed).mtimeMs >= statSync(`${root}package-lock.json`).mtimeMs;
if (!isInstalled) {
  process.stderr.write("installing what is missing (npm ci)…\n");
  const install = spawnSync("npm", ["ci"], { cwd: root, stdio: ["ignore", 2, 2] });
  if (install.status !== 0) process.exit(install.status ?? 1);
}

const bundledNode = `${root}node_modules/.bin/node`;
const node = existsSync(bundledNode) ? bundledNode : process.execPath;

const given = process.argv.slice(2);
const isConfigured = Object.keys(process.env).some((name) => name.startsWith("SCB_MIRROR_"));
const isDemo = given.length === 0 && !isConfigured;
const store = pathToFileURL(`${root}data`).href;
const args = isDemo ? ["--from", "demo", "--to", store] : given;
if (isDemo) {
  process.stderr.write(`
scb-mirror demo: a simulated node opens and closes channels, and each new backup is saved in
${root}data. Ctrl-C stops it. Then, or in another terminal:

  npm run -s scb-mirror -- status  --to ${store}
  npm run -s scb-mirror -- list    --to ${store}
  npm run -s scb-mirror -- restore --to ${store} -o channel.backup

For a real lnd on this machine, into a bucket (credentials from the usual AWS places):

  npm run -s scb-mirror -- run --to s3://BUCKET/lightning

`);
}

const child = spawn(node, [`${root}scripts/scb-mirror.mjs`, "run", ...args], { stdio: "inherit" });
for (const signal of ["SIGINT", "SIGTERM"]) process.on(signal, () => child.kill(signal));
child.on("exit", (code, signal) => process.exit(code ?? (signal === null ? 1 : 130)));
