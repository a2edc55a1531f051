const longestText = 300;

/**
 * Text of a service, fit for a message: on one line, without control characters, not without end.
 * `secrets` are left out: some services send back what they were sent.
 */
export function foreignText(text: string, secrets: readonly string[] = []): string {
  let shown = text;
  for (const secret of secrets) shown = shown.replaceAll(secret, "…");
  return shown
    .replaceAll(/[\p{C}\s]+/gu, " ")
    .trim()
    .slice(0, longestText);
}
