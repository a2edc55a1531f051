/** Made-up secrets that tests look for in all output. */

export const seedWords =
  "above judge emerge veteran reform crunch system all snap please shoulder vault hurt city quarter cover enlist swear success suggest drink wagon enrich body";

/** By name, with the fragments that must not appear in any output either. */
export const plantedSecrets: readonly {
  readonly name: string;
  readonly text: string;
  readonly pieces: readonly string[];
}[] = [
  { name: "24 words", text: seedWords, pieces: ["judge", "veteran", "wagon"] },
  { name: "a backup key", text: "c0ffee11".repeat(8), pieces: ["c0ffee11c0"] },
  {
    name: "an lndconnect URI",
    text: "lndconnect://node.example:10009?cert=QUFB&macaroon=UGxhbnRlZFNlY3JldA",
    pieces: ["UGxhbnRlZFNlY3JldA", "node.example"],
  },
  {
    name: "a macaroon",
    text: `0201036c6e6402f801030a10${"5ec2e7".repeat(40)}`,
    pieces: ["5ec2e75ec2e7", "0201036c"],
  },
];
