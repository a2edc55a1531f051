/** A slower line, or disk, than this is taken for a broken one: 16 KB/s. */
const slowestBytesPerMs = 16;
/** No object is so large that it needs longer. */
const longestTransferMs = 10 * 60_000;

/**
 * How long one operation may take in all, whatever is wrong with the store: time to connect and to
 * get credentials, to be answered, and to read a small answer. Sizes add to it, by `transferMs`.
 */
export function operationLimitMs(requestTimeoutMs: number): number {
  return 3 * requestTimeoutMs;
}

/** How much longer an operation may take in which so many bytes move. */
export function transferMs(sizeBytes: number): number {
  return Math.min(sizeBytes / slowestBytesPerMs, longestTransferMs);
}
