import type { InputOptions, OutputOptions } from "rolldown";

/** How every bundle of the program is made. */
export const bundleInput: InputOptions = {
  platform: "node",
  // The AWS SDK's CommonJS files, which Node would take, cannot be split: all 100 commands stay in.
  resolve: { mainFields: ["module", "main"], conditionNames: ["module", "import", "node"] },
  transform: { target: "node22" },
  logLevel: "warn",
};

export const bundleOutput: OutputOptions = {
  minify: { compress: true, mangle: false, codegen: false },
  comments: { legal: true, annotation: false, jsdoc: false },
};
