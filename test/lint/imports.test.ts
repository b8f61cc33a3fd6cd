// The arrows of docs/architecture.md, held by Biome: a deliberate wrong import fails the lint, and a right one doesn't.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { createScratchFolder } from '../support/scratch-folder.ts';

const BIOME = resolve('node_modules/.bin/biome');

/** The lint rules that Biome finds broken in a project of these files, under the project's own biome.json. */
async function lint(files: Readonly<Record<string, string>>): Promise<string[]> {
  await using scratch = createScratchFolder();
  const folder = scratch.path;
  const config = { ...JSON.parse(readFileSync('biome.json', 'utf8')), $schema: undefined, vcs: undefined };
  for (const [path, text] of Object.entries({ ...files, 'biome.json': JSON.stringify(config) })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  const { stdout } = spawnSync(BIOME, ['lint', '--reporter=json', '.'], { cwd: folder, encoding: 'utf8' });
  const { diagnostics } = JSON.parse(stdout) as { diagnostics: { category: string }[] };
  return diagnostics.map(({ category }) => category).filter((category) => category.startsWith('lint/'));
}

/** A file at `path` that imports `specifier` and nothing else. */
const importing = (path: string, specifier: string) => ({
  [path]: `import { x } from '${specifier}';\nexport const y = x;\n`,
});

test.each([
  ['src/job.ts', './runner/ports.ts'],
  ['src/errors.ts', 'node:fs'],
  ['src/runner/attempts.ts', '../process/clock.ts'],
  ['src/runner/attempts.ts', '../postgres/locks.ts'],
  ['src/runner/attempts.ts', '../app/config.ts'],
  ['src/runner/attempts.ts', 'node:fs'],
  ['src/runner/attempts.ts', 'pg'],
  ['src/process/watchdog.ts', '../postgres/close-run.ts'],
  ['src/process/watchdog.ts', '../app/config.ts'],
  ['src/log/logger.ts', '../telemetry/open.ts'],
  ['src/log/logger.ts', '../runner/lifecycle.ts'],
  ['src/postgres/locks.ts', '../rabbitmq/session.ts'],
  ['src/postgres/locks.ts', '../telemetry/open.ts'],
  ['src/postgres/locks.ts', '../runner/lifecycle.ts'],
  ['src/postgres/locks.ts', '../app/config.ts'],
  ['src/rabbitmq/session.ts', '../postgres/connect.ts'],
  ['src/telemetry/open.ts', '../log/logger.ts'],
  ['src/kubernetes/look.ts', '../postgres/connect.ts'],
  ['src/http/send.ts', '../telemetry/open.ts'],
  ['src/checkins/services.ts', '../http/send.ts'],
  ['src/jobs/report_generator/index.ts', '../../runner/ports.ts'],
  ['src/jobs/report_generator/index.ts', '../../postgres/connect.ts'],
  ['src/jobs/report_generator/index.ts', '../../app/params.ts'],
  ['src/app/execute-run.ts', '../cli/main.ts'],
  ['src/app/execute-run.ts', '../testing/index.ts'],
  ['src/app/checks/otlp.ts', '../../cli/terminal/print.ts'],
  ['src/testing/index.ts', '../cli/commands/run.ts'],
  ['src/testing/index.ts', '../console/serve.ts'],
  ['src/console/app.tsx', '../postgres/records.ts'],
  ['src/console/http/access.ts', '../../cli/main.ts'],
  ['src/console/http/access.ts', 'pg'],
  ['src/cli/main.ts', '../testing/index.ts'],
  ['src/cli/commands/list.ts', '../../testing/index.ts'],
  ['src/cli/commands/list.ts', '../../jobs/report_generator/index.ts'],
])('%s must not import %s', async (path, specifier) => {
  expect(await lint(importing(path, specifier))).toEqual(['lint/style/noRestrictedImports']);
});

test.each([
  ['src/errors.ts', './duration.ts'],
  ['src/runner/attempts.ts', './stop.ts'],
  ['src/runner/attempts.ts', '../errors.ts'],
  ['src/process/watchdog.ts', '../runner/ports.ts'],
  ['src/process/watchdog.ts', 'node:fs'],
  ['src/log/logger.ts', '../runner/ports.ts'],
  ['src/postgres/locks.ts', '../runner/ports.ts'],
  ['src/kubernetes/look.ts', '../errors.ts'],
  ['src/jobs/report_generator/index.ts', '../../duration.ts'],
  ['src/app/execute-run.ts', '../postgres/server.ts'],
  ['src/app/checks/otlp.ts', '../../telemetry/settings.ts'],
  ['src/testing/index.ts', '../app/params.ts'],
  ['src/cli/main.ts', '../app/config.ts'],
  ['src/cli/commands/list.ts', '../../app/config.ts'],
  ['src/cli/commands/list.ts', '../terminal/print.ts'],
])('%s may import %s', async (path, specifier) => {
  expect(await lint(importing(path, specifier))).toEqual([]);
});

test('no circle of imports, of types neither', async () => {
  const circle = {
    'src/runner/a.ts': "import type { B } from './b.ts';\nexport interface A {\n  b: B;\n}\n",
    'src/runner/b.ts': "import type { A } from './a.ts';\nexport interface B {\n  a: A;\n}\n",
  };
  expect(await lint(circle)).toEqual(['lint/suspicious/noImportCycles', 'lint/suspicious/noImportCycles']);
});
