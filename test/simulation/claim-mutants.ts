import type { Mutant } from "./mutants.ts";
import { modes } from "./world.ts";

const engine = "src/chanbackup/engine.ts";
const looker = "src/chanbackup/looker.ts";
const stateSwapper = "src/mirror/state-swapper.ts";
const mirrorEngine = "src/mirror/mirror-engine.ts";
const heldBackups = "src/mirror/held-backups.ts";
const limboCover = "src/mirror/limbo-cover.ts";
const look = "src/mirror/look.ts";
const mark = "src/mirror/high-water-mark.ts";
const times = "src/repository/times.ts";
const freshness = "src/checks/freshness.ts";
const versionFindings = "src/checks/version-findings.ts";
const cover = "src/checks/cover.ts";
const prunePlan = "src/recovery/prune/prune-plan.ts";
const prune = "src/recovery/prune/prune.ts";
/** Before each batch: a belt of its own. */
const recheck = "if (hasGoneOn && needed !== undefined) {";

/** Defects in what a mirror reports, rather than in what it does. */
export const claimMutants: readonly Mutant[] = [
  {
    name: 'a claim from the pointer alone: "unchanged" without reading the version',
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: mirrorEngine,
        from: 'const found = await this.#look("version", signal);',
        to: 'const found = await this.#look("pointer", signal);',
      },
    ],
  },
  {
    name: 'a claim from a cache: "unchanged" without reading anything',
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: mirrorEngine,
        from: '    const found = await this.#look("version", signal);\n    if (found.kind === "save-anew") return { kind: "lost", error: found.error };\n',
        to: "",
      },
    ],
  },
  {
    name: "a stop doesn't read back what was saved",
    isNamed: false,
    modes,
    changes: [
      {
        file: engine,
        from: "if (this.#due.reason === null && failure === null) await this.#confirm(abort);",
        to: "",
      },
    ],
  },
  {
    name: "a stop that is cut short claims what it has not read back",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: looker,
        from: "    if (isUnproved && isNothingDue()) throw gaveUp(null);\n",
        to: "",
      },
    ],
  },
  {
    name: '"recovered" is told before anything has succeeded',
    isNamed: false,
    modes,
    changes: [
      {
        file: looker,
        from: "      const found = await abortable(look(depth, signal), signal);\n",
        to: '      if (this.#failures > 0) tell({ kind: "recovered", attempts: 1 });\n      this.#failures = 0;\n      const found = await abortable(look(depth, signal), signal);\n',
      },
    ],
  },
  {
    name: "a look believes the pointer's hash of bytes that nothing opens",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: look,
        from: 'if (isOpened === false) return failed(held.key, "does not open");',
        to: "",
      },
    ],
  },
  {
    name: "a look passes over a version that is gone",
    isNamed: false,
    modes,
    changes: [
      {
        file: look,
        from: 'if (current.kind === "missing") return failed(held.key, "is gone");',
        to: 'if (current.kind === "missing") return { kind: "confirmed", base };',
      },
    ],
  },
  {
    name: "a folder that went back is taken as a new base",
    isNamed: false,
    modes,
    changes: [
      {
        file: mark,
        from: "    if (!isBehind && !isOther && !hasForgotten(base, reached)) return;\n",
        to: "    if (reached !== null) return;\n",
      },
    ],
  },
  {
    name: "a folder that went back, and on which another mirror has gone on, is taken as a new base",
    isNamed: false,
    modes,
    changes: [{ file: mark, from: " && !hasForgotten(base, reached)) return;", to: ") return;" }],
  },
  {
    name: "the guards compare with nothing once the current version is damaged",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: heldBackups,
        from: "const previous = pointer?.previous ? await open(pointer.previous) : null;",
        to: "const previous = null;",
      },
    ],
  },
  {
    name: '"in flight" never expires',
    isNamed: false,
    modes,
    changes: [
      {
        file: freshness,
        from: "return now - savedAt <= inFlightMs && !isInFuture(savedAt, now);",
        to: "return !isInFuture(savedAt, now);",
      },
    ],
  },
  {
    name: "a time in the future is believed",
    isNamed: false,
    modes,
    changes: [
      { file: times, from: "return at > now + toleranceMs;", to: "return at > now + Infinity;" },
    ],
  },
  {
    name: 'a verdict from the pointer alone: "safe" whatever the version holds',
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: versionFindings,
        from: "    ...readingFindings(evidence.folder, version, policy),\n",
        to: "",
      },
    ],
  },
  {
    name: "a verdict overlooks open channels that are not saved",
    isNamed: false,
    modes,
    changes: [
      { file: cover, from: "    missing: [...new Set(missing)],\n", to: "    missing: [],\n" },
    ],
  },
  {
    name: "a verdict overlooks funds in limbo",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: cover,
        from: "missingLimbo: limbo.filter(({ channelPoint }) => isLost(channelPoint)),",
        to: "missingLimbo: [],",
      },
    ],
  },
  {
    name: "a verdict overlooks what a guard held back",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: freshness,
        from: "    ...refusalFindings(held, evidence),\n",
        to: "",
      },
    ],
  },
  {
    name: "limbo is not carried on by who can't ask",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: limboCover,
        from: "if (limbo === null || contents === null) return before;",
        to: "if (limbo === null || contents === null) return [];",
      },
      {
        file: stateSwapper,
        from: "if (this.#limboCover === null) return base.held?.alsoRestore ?? [];",
        to: "if (this.#limboCover === null) return [];",
      },
    ],
  },
  {
    name: "limbo is not looked for in older versions",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: limboCover,
        from: "    await this.#search(needed, held?.key ?? null, take, signal);\n",
        to: "",
      },
    ],
  },
  {
    name: "limbo is looked for only below the pointer",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: limboCover,
        from: "const others = versions.filter(({ key }) => key !== heldKey)",
        to: "const others = versions.filter(({ key }) => key < (heldKey ?? ''))",
      },
    ],
  },
  {
    name: "limbo is dropped at the next swap, though it is not resolved",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: limboCover,
        from: "    if (needed.size === 0) return [];\n",
        to: "    if (needed.size === 0 || before.length > 0) return [];\n",
      },
    ],
  },
  {
    name: "limbo is named for ever",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      {
        file: limboCover,
        from: "    if (needed.size === 0) return [];\n",
        to: "    if (needed.size === 0) return before;\n",
      },
    ],
  },
  {
    name: "prune forgets what a restore needs besides",
    isNamed: false,
    modes: ["mirror"],
    changes: [
      { file: prunePlan, from: 'if (needed.has(key)) reasons.push("needed");', to: "" },
      { file: prune, from: recheck, to: "if (hasGoneOn && needed === null) {" },
    ],
  },
];
