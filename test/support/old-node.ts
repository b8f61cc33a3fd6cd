// Other major versions of Node than the one that the tests run on: the machine's own, or one that npm fetches once.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { findProgram } from './install.ts';

/** A folder for PATH in which `node` is of this major version. @throws {Error} npm has none for this platform */
export function nodeFolder(major: number): string {
  const own = findProgram('/usr/bin/node', '/usr/local/bin/node');
  if (own && majorOf(own) === major) return dirname(own);
  const name = `node-${process.platform}-${process.arch}`;
  const folder = resolve(`.cache/node-${major}`);
  const bin = `${folder}/node_modules/${name}/bin`;
  if (!existsSync(`${bin}/node`)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true }));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', `${name}@${major}`], {
      cwd: folder,
    });
  }
  return bin;
}

function majorOf(node: string): number {
  return Number(spawnSync(node, ['-p', 'parseInt(process.versions.node)'], { encoding: 'utf8' }).stdout);
}
