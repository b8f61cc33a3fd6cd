// docs/kind.md shows what helm prints for the values that it shows.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { CHART, helm, noHelm } from './support/chart.ts';

test.skipIf(noHelm)('the notes in docs/kind.md are those of its values', () => {
  const page = readFileSync('docs/kind.md', 'utf8');
  const [, values = ''] = /```yaml\n(# values\.yaml\n[\s\S]*?)```/.exec(page) ?? [];
  const file = join(mkdtempSync(join(inject('scratchFolder'), 'kind-')), 'values.yaml');
  writeFileSync(file, values);
  const { code, stdout, stderr } = helm('install', 'demo', CHART, '-n', 'jobs', '--dry-run=client', '-f', file);
  expect(code, stderr).toBe(0);
  const [, shown] = /```text\n(NOTES:[\s\S]*?)\n```/.exec(page) ?? [];
  expect(shown).toBe(stdout.slice(stdout.indexOf('NOTES:')).trimEnd());
});
