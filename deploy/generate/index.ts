// Writes what is made from the chart: the table of values in its README, and the plain manifests. A test checks for drift.
import { readFileSync, writeFileSync } from 'node:fs';
import { findClient } from '../tools/helm.ts';
import { manifests } from './manifests.ts';
import { valuesTable } from './values-table.ts';

const README = 'helm/run-job/README.md';
const MARKS = ['<!-- values: made by npm run generate -->', '<!-- /values -->'] as const;

/** The chart's README with the table as it should be. @throws {Error} the marks are gone */
export function readme(current: string, valuesYaml: string): string {
  const [begin, end] = MARKS.map((mark) => current.indexOf(mark));
  if (begin === undefined || end === undefined || begin < 0 || end < begin)
    throw new Error(`${README} has no ${MARKS[0]} … ${MARKS[1]}`);
  return `${current.slice(0, begin + MARKS[0].length)}\n${valuesTable(valuesYaml)}\n${current.slice(end)}`;
}

/** Every generated file by path. @throws {Error} there is no helm */
export function generated(): Record<string, string> {
  const helm = findClient('helm');
  if (!helm) throw new Error('helm is missing: npm run tools');
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  const files = manifests(helm, version);
  return {
    [README]: readme(readFileSync(README, 'utf8'), readFileSync('helm/run-job/values.yaml', 'utf8')),
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`deploy/kubernetes/${name}`, text])),
  };
}

if (import.meta.main) {
  for (const [path, text] of Object.entries(generated())) writeFileSync(path, text);
}
