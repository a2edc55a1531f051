/**
 * The documentation's site: `node scripts/site.ts build|dev [VitePress's options]`. VitePress is a package of
 * its own, in `site/`, because a build of the program shouldn't have to wait for its many dependencies. It is
 * installed when it is missing.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

const site = join(import.meta.dirname, "../site");
const lock = join(site, "package-lock.json");
const installed = join(site, "node_modules/.package-lock.json");

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  const { status } = spawnSync("npm", ["ci"], { cwd: site, stdio: ["ignore", 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}

const vitepress = join(site, "node_modules/vitepress/bin/vitepress.js");
const [command = "build", ...options] = process.argv.slice(2);
const child = spawn(process.execPath, [vitepress, command, site, ...options], {
  stdio: "inherit",
  cwd: site,
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
child.on("exit", (code) => process.exit(code ?? 1));
