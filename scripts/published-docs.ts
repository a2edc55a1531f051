/** Copies the documentation beside the bundle, with links that work there. */
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const published = [
  ...["README.md", "CHANGELOG.md", "LICENSE", "SECURITY.md"],
  ...["docs/**/*.{md,svg}", "examples/*", "infra/**/*.*", "infra/Dockerfile"],
];

/** Copies from `root` to `folder`. A link to an unpublished file becomes plain text. */
export function copyDocuments(root: string, folder: string): void {
  const files = globSync(published, { cwd: root, exclude: ["**/node_modules"] }).filter((file) =>
    existsSync(join(root, file)),
  );
  const isPublished = new Set(files);
  for (const file of files) {
    const target = join(folder, file);
    mkdirSync(dirname(target), { recursive: true });
    const bytes = readFileSync(join(root, file));
    if (!file.endsWith(".md")) {
      writeFileSync(target, bytes);
      continue;
    }
    const text = bytes.toString().replaceAll(/\[([^\][]+)\]\(([^)\s]+)\)/g, (link, label, to) => {
      if (/^(?:[a-z]+:|#)/i.test(to)) return link;
      const path = relative(root, join(root, dirname(file), to.replace(/#.*/, "")));
      return isPublished.has(path) ? link : label;
    });
    writeFileSync(target, text);
  }
}
