// `import('./x.ts')` becomes a script `lazy/x.cjs` of its own that shares nothing with the others. esbuild's code splitting would put
// whatever two of them have in common into one more file each, and a run would load sixteen files where three do. Among themselves the
// scripts ask for each other by require(), which is the loader's of src/process/load-script.ts.
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { Plugin } from 'esbuild';
import type { Patch } from './patch.ts';

const NAME = 'lazy-imports';

/** What was imported lazily, over all bundles of one build. */
export class LazyImports {
  /** The source files that are to be bundled, by the name that they get. */
  readonly found = new Map<string, string>();

  /** For bundles that reach the folder of lazy files by this path. */
  plugin(folder: string): Plugin {
    return {
      name: NAME,
      setup: ({ onResolve }) => {
        onResolve({ filter: /^\./ }, ({ kind, path, resolveDir }) => {
          if (kind !== 'dynamic-import' || resolveDir.includes('node_modules')) return undefined;
          return { path: `${folder}${this.add(resolve(resolveDir, path))}.cjs`, external: true };
        });
      },
    };
  }

  /** Adds a source file, and returns the name that its bundle gets. */
  add(file: string): string {
    const name = basename(file, '.ts');
    const twin = this.found.get(name) ?? file;
    if (twin !== file) throw new Error(`${twin} and ${file} are both imported lazily: give one of them another name`);
    this.found.set(name, file);
    return name;
  }
}

/** An import of a lazy file as esbuild writes it. */
const IMPORT = /\bimport\(("\.[^"]*\.cjs")\)/g;

/** Lets CommonJS bundles ask for lazy files by require(); what throws is a rejection as before. */
export function requireLazily(files: Iterable<string>): void {
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const requiring = text.replace(IMPORT, 'Promise.resolve().then(()=>require($1))');
    if (requiring !== text) writeFileSync(file, requiring);
  }
}

/** What was to be loaded lazily, and is in the bundle that asks for it. */
export const lazyProblems: Patch['problems'] = ({ inputs }) =>
  Object.entries(inputs)
    .filter(([file]) => file.startsWith('src/'))
    .flatMap(([file, { imports }]) =>
      imports
        .filter(({ kind, external }) => kind === 'dynamic-import' && !external)
        .map(({ path }) => `${NAME}: ${file} imports ${path} lazily, and its bundle holds it: see esbuild.config.ts`),
    );
