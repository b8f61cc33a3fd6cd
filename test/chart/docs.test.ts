// The chart's values in the documentation, as somebody pastes them: the chart takes each block by itself.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { parse } from 'yaml';
import { snippets } from '../docs/snippets.ts';
import { refusals } from './support/api-server.ts';
import { CHART, noHelm, render } from './support/chart.ts';

const { properties } = JSON.parse(readFileSync(`${CHART}/values.schema.json`, 'utf8')) as {
  properties: Record<string, { description?: string }>;
};
/** Without those that are there only to be refused in a sentence: `env` is a container's too. */
const known = Object.keys(properties).filter((key) => !properties[key]?.description?.startsWith('Refused'));

/** Blocks of YAML that hold values of the chart. */
const blocks = snippets(['helm/run-job/README.md', 'deploy/kubernetes/README.md'])
  .filter(({ language }) => language === 'yaml')
  .flatMap(({ page, line, text }) => {
    const value: unknown = parse(text);
    if (typeof value !== 'object' || value === null) return [];
    return Object.keys(value).every((key) => known.includes(key)) ? [[`${page}:${line}`, text] as const] : [];
  });

describe.skipIf(noHelm)('the values in the documentation', () => {
  test('are found', () => {
    expect(blocks.length).toBeGreaterThan(8);
  });

  test.each(blocks)('%s', (_, text) => {
    const file = join(mkdtempSync(join(inject('scratchFolder'), 'values-')), 'values.yaml');
    writeFileSync(file, text);
    expect(render(file).flatMap(refusals)).toEqual([]);
  });
});
