export type Env = Readonly<Record<string, string | undefined>>;

/**
 * Sets variables of this process, and unsets those that are undefined. Disposing the result restores the
 * old values.
 */
export function setEnv(env: Env): Disposable {
  const saved = Object.fromEntries(Object.keys(env).map((name) => [name, process.env[name]]));
  assign(env);
  return { [Symbol.dispose]: () => assign(saved) };
}

/** Runs with these variables set, or unset if they are undefined. */
export async function withEnv<T>(env: Env, run: () => Promise<T>): Promise<T> {
  using _env = setEnv(env);
  return await run();
}

function assign(env: Env): void {
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined) delete process.env[name];
    else process.env[name] = value;
  }
}
