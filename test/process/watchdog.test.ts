import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test, vi } from 'vitest';
import { createWatchdog } from '../../src/process/watchdog.ts';
import type { LastWords } from '../../src/runner/ports.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';

const LAST_WORDS = { doing: 'nothing' } as unknown as LastWords;
const HOUR_MS = 3_600_000;

test('the thread, which takes longer to start than Node, starts when it is first armed, with a database too; for a program a while later', async () => {
  await using scratch = createScratchFolder();
  const script = join(scratch.path, 'thread.cjs');
  writeFileSync(
    script,
    `require('node:fs').writeFileSync(require('node:worker_threads').workerData.terminationFile.path, '');`,
  );
  const startsOf = (name: string, afterMs: number) => {
    const path = join(scratch.path, name);
    const options = {
      terminationFile: { path, create: true },
      databaseUrl: 'postgres://localhost/none',
      lockCheckMs: 5_000,
      graceMs: 5_000,
      closeRecordScript: '',
    };
    const watchdog = createWatchdog(pathToFileURL(script), options, { afterMs });
    return { arm: () => watchdog.arm(HOUR_MS, LAST_WORDS), started: () => existsSync(path) };
  };
  const { reportOnFatalError } = process.report;
  try {
    const unarmed = startsOf('unarmed', 0);
    const ofProgram = startsOf('of-program', HOUR_MS);
    const ofJob = startsOf('of-job', 0);
    ofProgram.arm();
    ofJob.arm();
    await vi.waitFor(() => expect(ofJob.started()).toBe(true), { timeout: 30_000 });
    expect([unarmed.started(), ofProgram.started()]).toEqual([false, false]);
  } finally {
    process.report.reportOnFatalError = reportOnFatalError;
  }
});

test('a thread that starts later is told what was said last', async () => {
  await using scratch = createScratchFolder();
  const script = join(scratch.path, 'thread.cjs');
  const path = join(scratch.path, 'heard');
  writeFileSync(
    script,
    `const { parentPort, workerData } = require('node:worker_threads');
    parentPort.on('message', ({ lastWords }) => {
      require('node:fs').writeFileSync(workerData.terminationFile.path + '.' + lastWords.doing, '');
    });`,
  );
  const { reportOnFatalError } = process.report;
  try {
    const options = {
      terminationFile: { path, create: true },
      databaseUrl: undefined,
      lockCheckMs: 5_000,
      graceMs: 5_000,
      closeRecordScript: '',
    };
    const watchdog = createWatchdog(pathToFileURL(script), options, { afterMs: 1 });
    for (const doing of ['first', 'second']) watchdog.arm(HOUR_MS, { ...LAST_WORDS, doing });
    await vi.waitFor(() => expect(existsSync(`${path}.second`)).toBe(true), { timeout: 30_000 });
    expect(existsSync(`${path}.first`)).toBe(false);
  } finally {
    process.report.reportOnFatalError = reportOnFatalError;
  }
});
