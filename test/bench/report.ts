// How benchmarks tell their figures: a table to read, JSON to keep.
import { mkdirSync, writeFileSync } from 'node:fs';

/** Prints rows under a heading, and writes `data` to `.cache/bench/<name>.json`. */
export function tell(
  name: string,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  data: unknown,
): void {
  const widths = heading.map((title, column) =>
    Math.max(title.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  for (const row of [heading, ...rows]) {
    console.log(
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    );
  }
  mkdirSync('.cache/bench', { recursive: true });
  const path = `.cache/bench/${name}.json`;
  writeFileSync(path, `${JSON.stringify({ node: process.version, ...(data as object) }, null, 2)}\n`);
  console.log(`\nwritten to ${path}`);
}
