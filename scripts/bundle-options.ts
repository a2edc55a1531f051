import type { InputOptions, OutputOptions } from "rolldown";

/** The options for every bundle of the program. */
export const bundleInput: InputOptions = {
  platform: "node",
  // Node would pick the AWS SDK's CommonJS files, which can't be split: all 100 commands would stay in.
  resolve: { mainFields: ["module", "main"], conditionNames: ["module", "import", "node"] },
  transform: { target: "node22" },
  logLevel: "warn",
};

export const bundleOutput: OutputOptions = {
  minify: { compress: true, mangle: false, codegen: false },
  comments: { legal: true, annotation: false, jsdoc: false },
};
