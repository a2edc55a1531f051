/** A connection or disk slower than this counts as broken: 16 KB/s. */
const slowestBytesPerMs = 16;
/** No object needs longer than this. */
const longestTransferMs = 10 * 60_000;

/**
 * The time limit of one operation, whatever is wrong with the store: it covers connecting, getting
 * credentials, being answered, and reading a small answer. Sizes extend it, by `transferMs`.
 */
export function operationLimitMs(requestTimeoutMs: number): number {
  return 3 * requestTimeoutMs;
}

/** How much moving this many bytes extends an operation's time limit. */
export function transferMs(sizeBytes: number): number {
  return Math.min(sizeBytes / slowestBytesPerMs, longestTransferMs);
}
