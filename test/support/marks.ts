// What the fixture job `marks` has left: who worked when.
import { mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { inject } from 'vitest';

/** A file for marks, and what is in it. */
export interface Marks {
  readonly file: string;
  /** The arguments of a run that leaves marks here. */
  args(label: string, way: 'blocks' | 'ignores' | 'crashes' | 'once', ms?: number): string[];
  /** When this one made its first and its last mark, in milliseconds since 1970. */
  of(label: string): { readonly first: number; readonly last: number };
}

export function openMarks(): Marks {
  const file = join(mkdtempSync(join(inject('scratchFolder'), 'marks-')), 'marks');
  return {
    file,
    args: (label, way, ms = 0) => [
      'marks',
      ...Object.entries({ file, label, way, ms }).map(([key, value]) => `--param=${key}=${value}`),
    ],
    of(label) {
      const times = readFileSync(file, 'utf8')
        .split('\n')
        .filter((line) => line.startsWith(`${label} `))
        .map((line) => Number(line.split(' ')[1]));
      return { first: times[0] ?? Number.NaN, last: times.at(-1) ?? Number.NaN };
    },
  };
}
