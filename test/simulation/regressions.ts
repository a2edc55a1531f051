/** Schedules that once found a defect, and are part of every run. */
export const regressionSeeds: readonly { readonly seed: number; readonly why: string }[] = [
  {
    seed: 7,
    why: "another writer's first two commits, while the base is read, are no lost pointer",
  },
  { seed: 239, why: "a wall clock that was set back does not put off the refresh" },
  {
    seed: 88_011_399,
    why: "a single writer whose upload was lost, and whose clock was set back, has its newest last",
  },
  {
    seed: 500_013_798,
    why: "a first swap that took long creates no pointer that others have moved and somebody deleted",
  },
  {
    seed: 1_886_288_198,
    why: "what a single writer's upload left behind a refusal is looked at before the next one",
  },
  {
    seed: 214_770_522,
    why: "a wall clock set back and forth during a swap does not put off the refresh by an interval",
  },
  { seed: 401, why: "a version that was pruned after its pointer was read is looked for no more" },
  { seed: 378, why: "two programs whose clocks are days apart don't replace each other for ever" },
  { seed: 65_921, why: "a look at an empty folder confirms nothing" },
  { seed: 88_286, why: "an orphan that was pruned comes back with an older pointer, by hand" },
  { seed: 4_801, why: "a swap that may yet land isn't left behind for one that is 'unchanged'" },
];
