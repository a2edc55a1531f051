/**
 * `npm run -s scb-mirror -- COMMAND …` in a checkout: the built command line, rebuilt if the
 * source is newer, in the caller's folder. It runs in this process, so that signals and the exit
 * code are its own.
 */
import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import process from "node:process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));

/** Milliseconds since 1970; 0 if there is no such file. */
function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

function newestSource() {
  const files = readdirSync(`${root}src`, { recursive: true, withFileTypes: true });
  const times = files.map((file) => modifiedAt(`${file.parentPath}/${file.name}`));
  return Math.max(
    modifiedAt(`${root}package-lock.json`),
    modifiedAt(`${root}scripts/build.ts`),
    ...times,
  );
}

if (modifiedAt(`${root}dist/cli.js`) < newestSource()) {
  const built = spawnSync(process.execPath, [`${root}scripts/build.ts`, "--no-types"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (built.status !== 0) {
    process.stderr.write("scb-mirror: could not be built: run npm ci, then try again\n");
    process.exit(1);
  }
}
if (process.env.INIT_CWD) process.chdir(process.env.INIT_CWD);
await import(`${root}dist/cli.js`);
