/**
 * Collects chunks, or returns null once they exceed `maxBytes`: it never holds more than that.
 * `onProgress` receives the number of bytes after each chunk, and may throw.
 */
export async function boundedRead(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
  onProgress: (sizeBytes: number) => void = () => undefined,
): Promise<Uint8Array | null> {
  const collected: Uint8Array[] = [];
  let sizeBytes = 0;
  for await (const chunk of chunks) {
    sizeBytes += chunk.length;
    if (sizeBytes > maxBytes) return null;
    collected.push(chunk);
    onProgress(sizeBytes);
  }
  return new Uint8Array(Buffer.concat(collected));
}
