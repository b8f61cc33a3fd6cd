// The licences of what is bundled, which ask to be passed on with it.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A package's folder, in the path of one of its files. */
const PACKAGE = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/;

/**
 * Writes the name, version and licence of every package that one of these files (as esbuild's metafile names them) belongs to.
 * @throws {Error} a package names no licence
 */
export function writeLicenses(target: string, files: Iterable<string>): void {
  const folders = new Set([...files].flatMap((file) => PACKAGE.exec(file)?.[0] ?? []));
  const sections = [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
    if (!license) throw new Error(`${folder} is bundled, and names no licence`);
    const texts = readdirSync(folder).filter((file) => /^(?:licen[cs]e|notice)(?:\.|$)/i.test(file));
    return [
      `${name} ${version} (${license})`,
      ...texts.map((file) => readFileSync(join(folder, file), 'utf8').trim()),
    ].join('\n\n');
  });
  const head = 'run-job bundles these packages.';
  writeFileSync(target, `${[head, ...sections].join(`\n\n${'-'.repeat(80)}\n`)}\n`);
}
