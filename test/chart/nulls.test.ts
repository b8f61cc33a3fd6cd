// null takes a default away. A map or list is then empty; what the chart can't do without is asked for in a sentence.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { valuesOf } from '../../deploy/generate/values-table.ts';
import { refusals } from './support/api-server.ts';
import { CHART, complaint, noHelm, notes, render } from './support/chart.ts';

const yaml = readFileSync(`${CHART}/values.yaml`, 'utf8');
const defaults = parse(yaml) as Record<string, unknown>;

const get = (path: string) =>
  path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown>)[key], defaults);

/** Values in which these paths are null. */
function nulls(paths: readonly string[]): object {
  const values: Record<string, unknown> = {};
  for (const path of paths) {
    const keys = path.split('.');
    const last = keys.pop() ?? '';
    let at = values;
    for (const key of keys) {
      at[key] ??= {};
      at = at[key] as Record<string, unknown>;
    }
    at[last] = null;
  }
  return values;
}

const leaves = valuesOf(yaml).map(({ path }) => path);
/** The maps that have names in them. */
const branches = [
  ...new Set(
    leaves.flatMap((path) => path.split('.').flatMap((_, i, keys) => (i > 0 ? [keys.slice(0, i).join('.')] : []))),
  ),
];
const isOptional = (path: string) => {
  const value = get(path);
  return value === null || value === '' || typeof value === 'object';
};
const needed = [...branches, ...leaves.filter((path) => !isOptional(path))].filter((path) => path !== 'global');

describe.skipIf(noHelm)('null', () => {
  test.each(needed)('for %s is refused in one sentence', (path) => {
    const said = complaint(nulls([path])).replaceAll(/\s+/g, ' ');
    expect(said).toContain(`${path} is null or empty, which takes the chart's default away`);
    expect(said).not.toMatch(/nil pointer|<nil>/);
  });

  test('for all else leaves it empty', () => {
    const optional = [...leaves.filter(isOptional), 'global'].filter((path) => !path.startsWith('global.'));
    expect(optional.length).toBeGreaterThan(50);
    const values = nulls(optional);
    const objects = render(values);
    expect(JSON.stringify(objects)).not.toMatch(/nil>/);
    expect(objects.flatMap(refusals)).toEqual([]);
    expect(notes(values)).not.toContain('nil>');
    for (const path of optional) expect(complaint(nulls([path])), path).toBe('');
  });
});
