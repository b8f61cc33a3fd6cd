// What one run of a job that does nothing costs, beside Node itself and the nearest peer.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { startCheckInServices } from '../support/check-in-services.ts';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type Command, measure } from './measure.ts';
import { tell } from './report.ts';
import { telemetryCommands } from './telemetry-commands.ts';

const EXECUTABLE = resolve('dist/run-job.js');

const JOB = `import { defineJob } from 'run-job';
export default defineJob({ name: 'nothing', description: 'Does nothing', run() {} });
`;

/** Longer than a service takes to answer, so that its start has been told when it ends. */
const NAP = `import { defineJob } from 'run-job';
import { setTimeout } from 'node:timers/promises';
export default defineJob({ name: 'nap', description: 'Takes 100 ms', run: () => setTimeout(100) });
`;

/** Runs each command `rounds` times (40 unless given) and prints medians. */
export async function bench([rounds = '40']: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-bench-'));
  await using postgres = await startPostgres();
  await using collector = await startOtlpReceiver();
  await using services = await startCheckInServices();
  // As far away as a service in the same region.
  services.forever = { delayMs: 20 };
  try {
    writeFileSync(join(folder, 'nothing.mjs'), JOB);
    writeFileSync(join(folder, 'nap.mjs'), NAP);
    mkdirSync(join(folder, 'tasks'));
    writeFileSync(join(folder, 'tasks', 'nothing.js'), 'module.exports = () => undefined;');
    execFileSync(process.execPath, [EXECUTABLE, 'migrate'], { env: { DATABASE_URL: postgres.url } });
    const costs = await measure(commands(folder, postgres.url, collector.url, services.webhook), Number(rounds));
    const [base] = costs;
    if (!base) return;
    const times = (value: number, of: number) => `${(value / of).toFixed(2)}x`;
    tell(
      'startup',
      ['one process', 'median ms', 'of node', 'best ms', 'CPU ms', 'peak MiB', 'of node'],
      costs.map(({ name, wallMs, bestMs, cpuMs, peakMib }) => [
        name,
        wallMs.toFixed(1),
        times(wallMs, base.wallMs),
        bestMs.toFixed(1),
        cpuMs.toFixed(1),
        peakMib.toFixed(1),
        times(peakMib, base.peakMib),
      ]),
      { costs },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function commands(folder: string, databaseUrl: string, collectorUrl: string, checkIn: string): Command[] {
  const env = { RUN_JOB_DIRS: folder };
  const nothing = { name: 'run-job, nothing configured', args: [EXECUTABLE, 'nothing'], env };
  const graphile = join(dirname(createRequire(import.meta.url).resolve('graphile-worker')), 'cli.js');
  return [
    { name: 'node -e 0', args: ['-e', '0'] },
    nothing,
    {
      name: 'run-job, with lock, slot and record',
      args: [EXECUTABLE, 'nothing'],
      env: { ...env, DATABASE_URL: databaseUrl },
    },
    // Its start and its end are told one after the other, 20 ms each, and nothing of its own passes meanwhile.
    {
      name: 'the same, and a check-in that answers in 20 ms',
      args: [EXECUTABLE, 'nothing'],
      env: { ...env, DATABASE_URL: databaseUrl, RUN_JOB_CHECKINS: checkIn },
    },
    {
      name: 'run-job exec -- true, with lock, slot and record',
      args: [EXECUTABLE, 'exec', 'nothing', '--', 'true'],
      env: { DATABASE_URL: databaseUrl },
    },
    {
      name: 'run-job, a job of 100 ms',
      args: [EXECUTABLE, 'nap'],
      env: { ...env, DATABASE_URL: databaseUrl },
    },
    {
      name: 'the same, and a check-in that answers in 20 ms',
      args: [EXECUTABLE, 'nap'],
      env: { ...env, DATABASE_URL: databaseUrl, RUN_JOB_CHECKINS: checkIn },
    },
    ...telemetryCommands(nothing, collectorUrl),
    // It wants a folder with at least one task.
    { name: 'graphile-worker --once, empty queue', args: [graphile, '--once', '-c', databaseUrl], cwd: folder },
  ];
}
