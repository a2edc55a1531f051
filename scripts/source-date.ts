import { spawnSync } from "node:child_process";

/**
 * The timestamp of everything built from these sources, so that a second build gives the same bytes:
 * SOURCE_DATE_EPOCH, else the newest commit's, else, outside of a repository, now. Seconds since 1970.
 * Source: reproducible-builds.org, SOURCE_DATE_EPOCH.
 */
export function sourceDateSeconds(): number {
  const { SOURCE_DATE_EPOCH: given } = process.env;
  if (given !== undefined && /^\d+$/.test(given)) return Number(given);
  const git = spawnSync("git", ["log", "-1", "--format=%ct"], {
    cwd: import.meta.dirname,
    encoding: "utf8",
  });
  return git.status === 0 ? Number(git.stdout) : Math.floor(Date.now() / 1000);
}
