// Makes a folder, and those that it lies in.
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * As `mkdirSync(folder, { recursive: true })`, which never ends where the system says of a folder that is there that it is not: in /proc,
 * or in a working directory that somebody has removed.
 */
export function makeFolder(folder: string): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  const parent = dirname(folder);
  if (parent !== folder) makeFolder(parent);
  mkdirSync(folder);
}
