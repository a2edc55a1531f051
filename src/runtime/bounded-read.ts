/**
 * Collects what comes, or returns null as soon as it is more than `maxBytes`: never more than that
 * is held. `onProgress` hears how many bytes there are after each chunk, and may throw.
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
