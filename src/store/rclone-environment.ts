/** Variables that would take control of rclone from us: where it logs, what it listens on. */
const steering =
  /^RCLONE_(?:RC|LOG|QUIET$|VERBOSE$|SYSLOG|USE_JSON_LOG$|STATS|PROGRESS|CPU|MEM|ASK_PASSWORD)/;
/** Options that hide files from rclone, or make it write elsewhere or not at all. */
const selecting =
  /^RCLONE_(?:DRY_RUN|INTERACTIVE|IMMUTABLE|IGNORE|UPDATE|INCLUDE|EXCLUDE|FILTER|FILES_FROM|MIN_|MAX_|BACKUP_DIR|SUFFIX|COMPARE_DEST|COPY_DEST|METADATA)/;
const secretName = /PASS|SECRET|TOKEN|KEY|CREDENTIAL/;
/** Shorter values may occur in any text. */
const shortestSecret = 6;

/**
 * The environment for rclone: everything that its remotes and their helpers may need. Leaves out what is
 * meant only for this program (perhaps a macaroon or a passphrase) and rclone options that would change
 * the meaning of our calls.
 */
export function rcloneEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(environment).filter(
      ([name]) =>
        !/^(?:SCB_MIRROR_|NODE_|npm_)/.test(name) && !steering.test(name) && !selecting.test(name),
    ),
  );
}

/** Values of variables that are secret by name: no message of rclone's may repeat them. */
export function rcloneSecrets(environment: NodeJS.ProcessEnv): readonly string[] {
  return Object.entries(environment).flatMap(([name, value = ""]) =>
    secretName.test(name) && value.length >= shortestSecret ? [value] : [],
  );
}
