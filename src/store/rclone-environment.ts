/** Which variables keep a program from being ours to steer: where it logs, what it listens on. */
const steering =
  /^RCLONE_(?:RC|LOG|QUIET$|VERBOSE$|SYSLOG|USE_JSON_LOG$|STATS|PROGRESS|CPU|MEM|ASK_PASSWORD)/;
/** Options that hide files from it, or make it write elsewhere or not at all. */
const selecting =
  /^RCLONE_(?:DRY_RUN|INTERACTIVE|IMMUTABLE|IGNORE|UPDATE|INCLUDE|EXCLUDE|FILTER|FILES_FROM|MIN_|MAX_|BACKUP_DIR|SUFFIX|COMPARE_DEST|COPY_DEST|METADATA)/;
const secretName = /PASS|SECRET|TOKEN|KEY|CREDENTIAL/;
/** What is shorter may be a part of any text. */
const shortestSecret = 6;

/**
 * What rclone is given of this program's environment: all that its remotes and their helpers may need,
 * but for what is meant for this program alone (a macaroon or a passphrase may stand there) and options
 * of rclone's that would change what is asked of it.
 */
export function rcloneEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        !/^(?:SCB_MIRROR_|NODE_|npm_)/.test(name) && !steering.test(name) && !selecting.test(name),
    ),
  );
}

/** Values of variables that are secrets by their names: no message of rclone's may repeat them. */
export function rcloneSecrets(environment: NodeJS.ProcessEnv): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = ""]) =>
    secretName.test(name) && value.length >= shortestSecret ? [value] : [],
  );
}
