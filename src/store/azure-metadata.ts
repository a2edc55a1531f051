/** Prefix for a metadata name that Azure wouldn't accept as it is. */
const escapePrefix = "n_";

/**
 * Azure's metadata names are C# identifiers: no "-", and a letter first. Ours contain no "_", so "_"
 * stands for "-".
 */
export function toAzureMetadata(
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => {
      const identifier = name.replaceAll("-", "_");
      const isPlain = /^[a-z]/.test(identifier) && !identifier.startsWith(escapePrefix);
      return [isPlain ? identifier : `${escapePrefix}${identifier}`, value];
    }),
  );
}

/** The metadata in an answer's headers, under our names. */
export function fromAzureHeaders(
  headers: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const prefix = "x-ms-meta-";
  return Object.fromEntries(
    Object.entries(headers).flatMap(([header, value]) => {
      if (!header.startsWith(prefix)) return [];
      const name = header.slice(prefix.length);
      const identifier = name.startsWith(escapePrefix) ? name.slice(escapePrefix.length) : name;
      return [[identifier.replaceAll("_", "-"), value ?? ""]];
    }),
  );
}
