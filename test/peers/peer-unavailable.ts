/** A peer is unavailable on this machine. The message says why, and what to install. */
export class PeerUnavailable extends Error {
  override readonly name = "PeerUnavailable";
}

/** Whether a missing peer is a failure, and Debian's packages may be installed. */
export function inCi(): boolean {
  const { CI } = process.env;
  return CI === "true";
}
