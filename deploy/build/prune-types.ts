// Removes the declarations that no public entry leads to: tsc writes one for every file that it has read.
import { readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

const ENTRIES = ['index.d.ts', 'testing/index.d.ts'];

/** Leaves in `folder` only what its entries lead to. */
export function pruneTypes(folder: string): void {
  const reached = new Set<string>();
  for (const entry of ENTRIES) reach(resolve(folder, entry), reached);
  for (const item of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = resolve(join(item.parentPath, item.name));
    if (item.isFile() && !reached.has(path)) rmSync(path);
  }
  // The deepest first, so that a folder is empty by its turn.
  const folders = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((item) => item.isDirectory());
  for (const path of folders.map((item) => join(item.parentPath, item.name)).sort((a, b) => b.length - a.length)) {
    if (readdirSync(path).length === 0) rmdirSync(path);
  }
}

function reach(file: string, reached: Set<string>): void {
  if (reached.has(file)) return;
  reached.add(file);
  for (const [, path = ''] of readFileSync(file, 'utf8').matchAll(/(?:from|import\()\s*['"](\.[^'"]+)\.ts['"]/g)) {
    reach(resolve(dirname(file), `${path}.d.ts`), reached);
  }
}
