import { registerHooks } from "node:module";
import { join, sep } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import type { Mutant } from "./mutants.ts";

const root = join(import.meta.dirname, "..", "..");
const ownFolders = [join(root, "src") + sep, join(root, "test", "simulation") + sep];

const armed = new Map<string, Mutant>();

/**
 * A module of the simulation, and the production code under it, with the mutant's changes. They are
 * loaded again under their own names, beside the unchanged modules: production code has no
 * switch for any of this. Throws if a text to change doesn't occur exactly once.
 */
export async function loadMutant<Module>(mutant: Mutant, file: string): Promise<Module> {
  const id = `mutant=${armed.size}`;
  armed.set(id, mutant);
  const unmet = new Set(mutant.changes);
  const hooks = registerHooks({
    resolve(specifier, context, nextResolve) {
      const resolved = nextResolve(specifier, context);
      if (!(context.parentURL ?? "").endsWith(`?${id}`) || !isOwn(resolved.url)) return resolved;
      return { ...resolved, url: `${resolved.url}?${id}` };
    },
    load(url, context, nextLoad) {
      const loaded = nextLoad(url, context);
      if (!url.endsWith(`?${id}`)) return loaded;
      const path = fileURLToPath(url.slice(0, url.indexOf("?")));
      let source = Buffer.from(loaded.source as Uint8Array).toString("utf8");
      for (const change of mutant.changes) {
        if (join(root, change.file) !== path) continue;
        source = changed(source, change, mutant);
        unmet.delete(change);
      }
      return { ...loaded, source };
    },
  });
  try {
    const module: Module = await import(
      `${pathToFileURL(join(import.meta.dirname, file)).href}?${id}`
    );
    for (const change of unmet) throw new Error(`${mutant.name}: ${change.file} was never loaded`);
    return module;
  } finally {
    hooks.deregister();
  }
}

function isOwn(url: string): boolean {
  return (
    url.startsWith("file:") && ownFolders.some((folder) => fileURLToPath(url).startsWith(folder))
  );
}

function changed(
  source: string,
  { file, from, to }: Mutant["changes"][number],
  mutant: Mutant,
): string {
  const parts = source.split(from);
  if (parts.length !== 2) {
    throw new Error(
      `mutant "${mutant.name}": ${parts.length - 1} places in ${file} instead of one hold ${JSON.stringify(from)}; the code has changed: change the mutant too`,
    );
  }
  return parts.join(to);
}
