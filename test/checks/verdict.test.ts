import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import type { Told } from "../../src/chanbackup/node-survey.ts";
import type {
  Asked,
  CurrentSeen,
  Evidence,
  FolderEvidence,
  NodeEvidence,
  OpenedSeen,
  VersionSeen,
} from "../../src/checks/evidence.ts";
import { verdictOf } from "../../src/checks/finding.ts";
import type { Question } from "../../src/checks/policy.ts";
import { judge } from "../../src/checks/verdict.ts";
import type { HeldVersion } from "../../src/repository/base.ts";
import { versionKey } from "../../src/repository/layout.ts";
import type { LastAttestation } from "../../src/repository/mirror-record.ts";
import { ScbError } from "../../src/runtime/error.ts";

const at = Date.UTC(2026, 5, 1);
const hourMs = 3_600_000;
const operation = "01JWNJS600ABCDEFGHJKMNPQRS";
const points = ["a", "b", "c", "d"].map((digit) => `${digit.repeat(64)}:0`);
const [one = "", two = "", three = "", four = ""] = points;
const alsoKey = versionKey(6, operation);
const unread: Told<never> = { known: false, error: new ScbError("store-unknown", "no answer") };
const nodeAway: Told<never> = { known: false, error: new ScbError("node-unavailable", "away") };

function told<T>(value: T): Told<T> {
  return { known: true, value };
}

function asked<T>(value: T): Asked<T> {
  return { asked: true, known: true, value };
}

const held: HeldVersion = {
  sequence: 7,
  key: versionKey(7, operation),
  sizeBytes: 2_000,
  sha256: "ab".repeat(32),
  committedAt: at - hourMs,
  savedAt: at - hourMs,
  channelPointsSha256: null,
  bareChannels: null,
  alsoRestore: [{ key: alsoKey, sha256: "cd".repeat(32), channelPoints: [three] }],
};

const current: CurrentSeen = {
  kind: "held",
  held,
  pointer: {
    schema: 2,
    sequence: 7,
    version: { key: held.key, size: held.sizeBytes, sha256: held.sha256 },
    previous: null,
    committedAt: new Date(held.committedAt).toISOString(),
    writer: "w",
    operation,
    recentOperations: [operation],
    node: { pubkey: null, network: null },
    verifiedBy: "lnd",
    channels: 2,
    channelPointsSha256: null,
  },
};

function seen(key: string, channelPoints: readonly string[]): VersionSeen {
  const opened: OpenedSeen = { kind: "opened", channelPoints };
  return { key, reading: told("whole"), byKey: asked(opened), byNode: asked(opened) };
}

const attestation: LastAttestation = {
  key: "mirrors/x.json",
  savedAt: at - 60_000,
  state: "running",
  at: new Date(at - 60_000).toISOString(),
  nodeSeenAt: new Date(at - 60_000).toISOString(),
  version: { key: held.key, sequence: held.sequence, sha256: held.sha256 },
  intervalMs: 300_000,
  writer: "w",
};

/** A node with two open channels and one in limbo, and a store that would bring all of them back. */
const safe: Evidence = {
  at,
  folder: {
    store: "s3://bucket/node",
    node: "node",
    current: told(current),
    version: seen(held.key, [one, two]),
    also: [seen(alsoKey, [one, three])],
    beyond: told([]),
    refusals: told([]),
    lastDrill: told(null),
    lastRestore: told(null),
    attested: told({ kind: "last", last: attestation, sequenceSince: null }),
  },
  node: asked({
    open: [one, two],
    restored: [],
    limbo: [{ channelPoint: three, limboSat: 50_000, maturityHeight: 900 }],
    closed: told([four]),
    pubkey: null,
  }),
  file: { asked: false },
};

function withFolder(evidence: Evidence, change: Partial<FolderEvidence>): Evidence {
  return { ...evidence, folder: { ...evidence.folder, ...change } };
}

function withHeld(evidence: Evidence, change: Partial<HeldVersion>): Evidence {
  const { current: was } = evidence.folder;
  if (!was.known || was.value.kind !== "held") return evidence;
  const value = { ...was.value, held: { ...was.value.held, ...change } };
  return withFolder(evidence, { current: told(value) });
}

function withNode(evidence: Evidence, change: Partial<NodeEvidence>): Evidence {
  const { node } = evidence;
  return node.asked && node.known
    ? { ...evidence, node: asked({ ...node.value, ...change }) }
    : evidence;
}

function withVersion(evidence: Evidence, change: Partial<VersionSeen>): Evidence {
  const { version } = evidence.folder;
  return version === null ? evidence : withFolder(evidence, { version: { ...version, ...change } });
}

function withAlso(evidence: Evidence, change: Partial<VersionSeen>): Evidence {
  return withFolder(evidence, { also: evidence.folder.also.map((it) => ({ ...it, ...change })) });
}

const sealed = asked<OpenedSeen>({
  kind: "sealed",
  error: new ScbError("decrypt", "message authentication failed"),
});
const unopened: Asked<OpenedSeen> = { asked: true, ...nodeAway };

type Change = readonly [name: string, change: (evidence: Evidence) => Evidence];

/** Each drops or damages a part. What was asked for stays asked for. */
const weakenings: readonly Change[] = [
  ["the pointer unread", (it) => withFolder(it, { current: unread })],
  ["the pointer gone", (it) => withFolder(it, { current: told({ kind: "none" }) })],
  ["the version not read back", (it) => withFolder(it, { version: null })],
  ["the version unread", (it) => withVersion(it, { reading: unread })],
  ["the version missing", (it) => withVersion(it, { reading: told("missing") })],
  ["the version damaged", (it) => withVersion(it, { reading: told("damaged") })],
  ["the key doesn't open it", (it) => withVersion(it, { byKey: sealed })],
  ["the key was not tried", (it) => withVersion(it, { byKey: unopened })],
  ["the node doesn't open it", (it) => withVersion(it, { byNode: sealed })],
  ["the node was not asked to open it", (it) => withVersion(it, { byNode: unopened })],
  ["what is needed besides not read back", (it) => withFolder(it, { also: [] })],
  ["what is needed besides unread", (it) => withAlso(it, { reading: unread })],
  ["what is needed besides missing", (it) => withAlso(it, { reading: told("missing") })],
  ["what is needed besides damaged", (it) => withAlso(it, { reading: told("damaged") })],
  ["what is needed besides sealed", (it) => withAlso(it, { byKey: sealed, byNode: sealed })],
  ["what is needed besides sealed to the key", (it) => withAlso(it, { byKey: sealed })],
  ["what is needed besides not tried", (it) => withAlso(it, { byKey: unopened, byNode: unopened })],
  ["what is needed besides without the channel", (it) => withAlso(it, seen(alsoKey, [one]))],
  [
    "the reference dropped",
    // If no node is asked, only the pointer says what is in limbo: nobody can tell that it says less.
    (it) => (it.node.asked ? withHeld(withFolder(it, { also: [] }), { alsoRestore: [] }) : it),
  ],
  ["what lies beyond unread", (it) => withFolder(it, { beyond: unread })],
  ["the refusals unread", (it) => withFolder(it, { refusals: unread })],
  ["the drills unread", (it) => withFolder(it, { lastDrill: unread })],
  ["the mirrors' own word unread", (it) => withFolder(it, { attested: unread })],
  [
    "a mirror's word that can't be read",
    (it) =>
      withFolder(it, { attested: told({ kind: "unclear", key: "mirrors/x.json", why: "is odd" }) }),
  ],
  ["the restores unread", (it) => withFolder(it, { lastRestore: unread })],
  ["the node away", (it) => ({ ...it, node: { asked: true, ...nodeAway } })],
  ["the closed channels not told", (it) => withNode(it, { closed: nodeAway })],
  [
    "a time that can't be",
    (it) => withHeld(it, { savedAt: at + hourMs, committedAt: at + hourMs }),
  ],
];

/** Each makes it worse, or brings something that is only worth knowing. */
const findings: readonly Change[] = [
  ["old", (it) => withHeld(it, { savedAt: at - 48 * hourMs })],
  ["another node's channels", (it) => withNode(it, { open: [one, two, four] })],
  ["more in limbo", (it) => withLimbo(it, four)],
  ["channels that the node has forgotten", (it) => withNode(it, { open: [one] })],
  ["a newer version left behind", (it) => withFolder(it, { beyond: told([beyond(8, hourMs)]) })],
  ["an older pointer restored", (it) => withFolder(it, { beyond: told([beyond(9, 1_000)]) })],
  ["a swap under way", (it) => withFolder(it, { beyond: told([beyond(8, 1_000)]) })],
  ["a refusal", (it) => withFolder(it, { refusals: told([refusal]) })],
  ["nothing says what was saved", (it) => withVersion(it, { reading: told("unproven") })],
  ["nor what is needed besides", (it) => withAlso(it, { reading: told("unproven") })],
  ["known from a backup only", (it) => withNode(it, { restored: [one, three] })],
  ["a mirror that died", (it) => withAttestation(it, { savedAt: at - hourMs })],
  ["a mirror that has read back more", (it) => withAttestation(it, { sequence: 8 })],
  ["a mirror that has read back other bytes", (it) => withAttestation(it, { sha256: "ef" })],
  [
    "no word of any mirror",
    // That none ever wrote one can't be told from that it was removed: then nothing is found either way.
    (it) => (isSilent(it) ? it : withFolder(it, { attested: told({ kind: "none" }) })),
  ],
  ["a drill that failed", (it) => withFolder(it, { lastDrill: told(failedDrill) })],
  ["no key was given", (it) => withVersion(it, { byKey: { asked: false } })],
];

const refusal = { operation: "01KXWNJS600ABCDEFGHJKMNPQR", key: "quarantine/x", reason: null };

const failedDrill = {
  key: "drills/x.json",
  at: new Date(at).toISOString(),
  ok: false,
  verdict: "would-not-restore",
  version: null,
} as const;

function withAttestation(
  evidence: Evidence,
  {
    savedAt = attestation.savedAt,
    ...version
  }: Partial<LastAttestation["version"] & { savedAt: number }>,
): Evidence {
  const last = { ...attestation, savedAt, version: { ...attestation.version, ...version } };
  const attested = { kind: "last", last, sequenceSince: held.sequence } as const;
  return withFolder(evidence, { attested: told(attested) });
}

function isSilent(evidence: Evidence): boolean {
  return verdictIn(evidence).findings.some(({ code }) => code === "mirror-silent");
}

function beyond(sequence: number, ageMs: number) {
  return {
    key: versionKey(sequence, operation),
    sequence,
    steps: sequence - held.sequence,
    savedAt: at - ageMs,
  };
}

function withLimbo(evidence: Evidence, channelPoint: string): Evidence {
  const limbo = [{ channelPoint, limboSat: 7, maturityHeight: null }];
  const { node } = evidence;
  if (!node.asked || !node.known) return evidence;
  return withNode(evidence, { limbo: [...node.value.limbo, ...limbo] });
}

function verdictIn(evidence: Evidence, question: Question = "mirror") {
  return judge(evidence, { question, maxAgeMs: 36 * hourMs, maxSilenceMs: hourMs / 4 });
}

function applied(evidence: Evidence, changes: readonly Change[]): Evidence {
  return changes.reduce((it, [, change]) => change(it), evidence);
}

describe("the verdict", () => {
  it("is safe if all that was asked for was seen, and is right", () => {
    for (const question of ["mirror", "restore"] as const) {
      assert.deepEqual(verdictIn(safe, question), {
        verdict: "safe",
        findings: [],
        notChecked: [],
      });
    }
  });

  const unasked = { asked: false } as const;
  /** What was asked for at first: all; the key alone; nobody. */
  const alone = withVersion({ ...safe, node: unasked }, { byNode: unasked });
  const nobody = { byKey: unasked, byNode: unasked };
  const starts = [
    safe,
    withAlso(alone, { byNode: unasked }),
    withAlso(withVersion(alone, nobody), nobody),
  ];

  it("never gets safer by less evidence", () => {
    const changes = fc.array(fc.constantFrom(...weakenings, ...findings), { maxLength: 6 });
    fc.assert(
      fc.property(
        fc.constantFrom(...starts),
        changes,
        fc.constantFrom(...weakenings),
        fc.constantFrom<Question>("mirror", "restore"),
        (start, before, [name, weaken], question) => {
          const evidence = applied(start, before);
          const was = verdictIn(evidence, question);
          const is = verdictIn(weaken(evidence), question);
          assert.ok(
            was.verdict === "safe" || is.verdict !== "safe",
            `${name} made ${was.verdict} safe, after ${before.map(([it]) => it).join(", ")}`,
          );
        },
      ),
      { numRuns: 20_000 },
    );
  });

  for (const [name, weaken] of weakenings) {
    // A restore that is only worth knowing of, and the drop of that, change nothing.
    if (name === "the restores unread" || name === "the closed channels not told") continue;
    it(`is not safe with ${name}`, () => {
      assert.notEqual(verdictIn(weaken(safe)).verdict, "safe");
    });
  }

  it("rests on the problems first, then on what wasn't seen, and never on warnings", () => {
    assert.equal(verdictOf([]), "safe");
    assert.equal(verdictOf([{ level: "warning" }]), "safe");
    assert.equal(verdictOf([{ level: "warning" }, { level: "unknown" }]), "unknown");
    assert.equal(verdictOf([{ level: "unknown" }, { level: "problem" }]), "unsafe");
  });

  it("says what nobody was asked, and judges the store alone", () => {
    const alone = withVersion(
      { ...safe, node: { asked: false } },
      { byKey: { asked: false }, byNode: { asked: false } },
    );
    const { verdict, notChecked } = verdictIn(alone);
    assert.equal(verdict, "safe");
    assert.equal(notChecked.length, 3);
    assert.equal(verdictIn(alone, "restore").verdict, "unknown");
  });
});
