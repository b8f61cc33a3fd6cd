// Builds dist/ as it would be without a trick.
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { build, type Plugin } from 'esbuild';
import type { Patch } from '../../../deploy/build/patch.ts';
import { COMMON, EXECUTABLE, makeBundles, PATCHES, WATCHDOG } from '../../../esbuild.config.ts';
import type { Variant } from './list.ts';

/** Builds the variant into `folder`, a copy of dist/ that is there already. */
export async function buildVariant(folder: string, variant: Variant): Promise<void> {
  const { withoutPatch, edit, codeSplitting, esmWatchdog, spacious, unicode, withoutCode, nodeFlags } = variant;
  const patches = Object.entries(PATCHES)
    .filter(([name]) => name !== withoutPatch)
    .map(([, make]) => make());
  const plugins = patches.map(({ plugin }) => plugin);
  if (withoutPatch || edit || spacious || unicode) {
    rmSync(folder, { recursive: true });
    const more = [edit && edited(edit), spacious && { name: 'spacious', setup: keepSpace }].filter(
      (plugin) => !!plugin,
    );
    await makeBundles(folder, [...more.map(withoutProof), ...patches], !unicode);
  }
  if (codeSplitting) {
    const thread = readFileSync(join(folder, 'watchdog-thread.cjs'));
    rmSync(folder, { recursive: true });
    const entryPoints = { start: 'src/cli/start.ts', index: 'src/index.ts' };
    await build({ ...COMMON, ...EXECUTABLE, outdir: folder, plugins });
    await build({ ...COMMON, entryPoints, splitting: true, outdir: folder, plugins });
    // What a run loads has the same name in every variant.
    mkdirSync(join(folder, 'lazy'));
    const start = "export const start = (...args) => import('../start.js').then((all) => all.start(...args));";
    await build({ stdin: { contents: start }, format: 'cjs', outfile: join(folder, 'lazy/start.cjs') });
    writeFileSync(join(folder, 'watchdog-thread.cjs'), thread);
  }
  if (esmWatchdog) {
    await build({ ...COMMON, entryPoints: WATCHDOG.entryPoints, outdir: folder, plugins });
    renameSync(join(folder, 'watchdog-thread.js'), join(folder, 'watchdog-thread.mjs'));
    writeFileSync(join(folder, 'watchdog-thread.cjs'), "import('./watchdog-thread.mjs');");
  }
  rmSync(join(folder, 'code-cache'), { recursive: true, force: true });
  if (codeSplitting || withoutCode) return;
  // V8 takes code only with the flags that it was made with.
  execFileSync(process.execPath, [...(nodeFlags ?? []), resolve('deploy/build/code-cache.ts'), folder]);
}

/** A copy of what `npm run build` has built. */
export function copyDist(folder: string): void {
  cpSync('dist', folder, { recursive: true });
}

const withoutProof = (plugin: Plugin): Patch => ({ plugin, problems: () => [] });

function edited({ file, from, to }: NonNullable<Variant['edit']>): Plugin {
  const path = resolve(file);
  const text = readFileSync(path, 'utf8');
  if (!text.includes(from)) throw new Error(`${file} no longer has ${from}: see test/bench/tricks/list.ts`);
  return {
    name: 'edited',
    setup({ onLoad }) {
      onLoad({ filter: /\.m?[jt]s$/ }, (args) =>
        args.path === path ? { contents: text.replace(from, () => to), loader: 'ts' } : undefined,
      );
    },
  };
}

const keepSpace: Plugin['setup'] = ({ initialOptions }) => {
  initialOptions.minifyWhitespace = false;
  initialOptions.minifySyntax = false;
};
