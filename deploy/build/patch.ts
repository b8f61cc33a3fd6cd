// What the build does to the code that it bundles: a plugin of esbuild, and the proof that the plugin did it.
import type { Metafile, Plugin } from 'esbuild';

/**
 * A plugin that replaces or leaves out modules by their names. A dependency may rename them at any update, and esbuild would go on
 * without a word: what should have been replaced would be in the bundle. So each patch says afterwards what it didn't find.
 */
export interface Patch {
  readonly plugin: Plugin;
  /** What isn't as it should be once every bundle is made: a sentence each, which names the module and what to look at. */
  problems(bundles: Bundles): string[] | Promise<string[]>;
}

/** All that esbuild says of the bundles of one build. */
export interface Bundles {
  /** Every file that some bundle holds a piece of, and what it imports, by its path from the working directory. */
  readonly inputs: Metafile['inputs'];
}

/** Joins what esbuild says of several bundles. */
export function joinBundles(metafiles: readonly Metafile[]): Bundles {
  const used = new Set(
    metafiles.flatMap(({ outputs }) => Object.values(outputs).flatMap(({ inputs }) => Object.keys(inputs))),
  );
  const inputs: Metafile['inputs'] = {};
  for (const metafile of metafiles) {
    for (const [path, input] of Object.entries(metafile.inputs)) if (used.has(path)) inputs[path] = input;
  }
  return { inputs };
}

/** Counts what a plugin has done, by what it was done to. */
export class Applied {
  readonly #done = new Set<string>();

  add(what: string): void {
    this.#done.add(what);
  }

  /** Those of `expected` that were never met, as sentences. */
  missing(plugin: string, expected: Readonly<Record<string, string>>): string[] {
    return Object.entries(expected)
      .filter(([what]) => !this.#done.has(what))
      .map(([what, look]) => `${plugin}: ${what} was met in no bundle, so nothing was replaced: ${look}`);
  }
}
