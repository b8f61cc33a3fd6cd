// Writes bundles in ASCII. V8 keeps a source with a single other character in two bytes each, all of it: main.js would take 150 kB more of
// the young generation, which a short run otherwise never has to collect. esbuild escapes strings, and leaves regular expressions.
import { readFileSync, writeFileSync } from 'node:fs';

const OTHERS = /[^\0-\x7f]/g;

/** Replaces what isn't ASCII by escapes, which mean the same wherever such characters can stand once esbuild has dropped the comments. */
export function writeInAscii(files: Iterable<string>): void {
  for (const file of files) {
    const text = readFileSync(file, 'utf8');
    const ascii = text.replace(OTHERS, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
    if (ascii !== text) writeFileSync(file, ascii);
  }
}
