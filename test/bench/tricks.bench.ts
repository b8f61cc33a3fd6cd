// What each trick at the start is worth: the same run without it, in turns with the run that we ship.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startOtlpReceiver } from '../support/otlp-receiver.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { type Command, type Cost, measure } from './measure.ts';
import { tell } from './report.ts';
import { buildVariant, copyDist } from './tricks/build-variant.ts';
import { KEPT, type RunKind, TRIED, type Trick } from './tricks/list.ts';

const JOB = `import { defineJob } from 'run-job';
export default defineJob({ name: 'nothing', description: 'Does nothing', run() {} });
`;

/** The file of dist/ that a run loads for this, beside those of every run. */
const LOADED: Record<RunKind, string> = {
  'nothing configured': 'lazy/start.cjs',
  'lock, slot and record': 'lazy/postgres.cjs',
  'traces and metrics': 'lazy/sdk.cjs',
};

/**
 * Runs each pair `rounds` times (40 unless given) and prints the differences: of what is kept, what a run costs more
 * without it; of what was tried, what a run costs more with it. Of the
 * whole run only a quiet machine shows them; the CPU time of loading the file where the trick is shows on a busy one too. A second argument keeps to the tricks whose names have it.
 */
export async function bench([rounds = '40', part = '']: readonly string[]): Promise<void> {
  // Within the checkout, so that the variants are as far from package.json and node_modules as dist/ is.
  mkdirSync('.cache', { recursive: true });
  const builds = mkdtempSync(resolve('.cache', 'tricks-'));
  const folder = mkdtempSync(join(tmpdir(), 'run-job-bench-'));
  await using postgres = await startPostgres();
  await using collector = await startOtlpReceiver();
  try {
    writeFileSync(join(folder, 'nothing.mjs'), JOB);
    const environments: Record<RunKind, Record<string, string>> = {
      'nothing configured': {},
      'lock, slot and record': { DATABASE_URL: postgres.url },
      'traces and metrics': { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url },
    };
    const command = (dist: string, run: RunKind, { variant, name }: Partial<Trick>): Command => ({
      name: name ?? run,
      args: [...(variant?.nodeFlags ?? []), join(dist, 'run-job.js'), 'nothing'],
      env: { RUN_JOB_DIRS: folder, ...environments[run], ...variant?.env },
      piped: true,
    });
    const shipped = join(builds, 'shipped');
    copyDist(shipped);
    execFileSync(process.execPath, [join(shipped, 'run-job.js'), 'migrate'], { env: { DATABASE_URL: postgres.url } });
    const tricks = [...KEPT, ...TRIED].filter(({ name }) => name.includes(part));
    const kinds = [...new Set(tricks.map(({ run }) => run))];
    const commands = kinds.map((run) => command(shipped, run, {}));
    for (const [index, trick] of tricks.entries()) {
      const dist = join(builds, String(index));
      copyDist(dist);
      await buildVariant(dist, trick.variant);
      commands.push(command(dist, trick.run, trick));
    }
    const loads = commands.map((each, index) =>
      loadTime(each, (tricks[index - kinds.length]?.run ?? kinds[index]) as RunKind),
    );
    const costs = await measure(commands, Number(rounds));
    const of = (run: RunKind) => costs[kinds.indexOf(run)] as Cost;
    const rows = tricks.map((trick, index) => [
      ...compare(trick, of(trick.run), costs[kinds.length + index] as Cost),
      signed((loads[kinds.length + index] ?? Number.NaN) - (loads[kinds.indexOf(trick.run)] ?? Number.NaN)),
    ]);
    const heading = ['trick', 'run', 'median ms', 'best ms', 'CPU ms', 'peak MiB', 'load ms'];
    tell('tricks', heading, rows, { costs, loads, rounds });
  } finally {
    rmSync(folder, { recursive: true, force: true });
    rmSync(builds, { recursive: true, force: true });
  }
}

/** The least CPU time of loading the file that this kind of run loads, of ten times. */
function loadTime({ args, env }: Command, run: RunKind): number {
  const at = args.findIndex((arg) => arg.endsWith('run-job.js'));
  const script = fileURLToPath(new URL('tricks/load.mjs', import.meta.url));
  const file = join(args[at] ?? '', '..', LOADED[run]);
  const once = () =>
    Number(
      execFileSync(process.execPath, [...args.slice(0, at), script, file], {
        env: { PATH: process.env.PATH, ...env },
        encoding: 'utf8',
      }),
    );
  // The first fills the compile cache.
  once();
  return Math.min(...Array.from({ length: 10 }, once));
}

/** With 0 rounds only the loading is measured. */
const signed = (value: number): string => (Number.isFinite(value) ? `${value > 0 ? '+' : ''}${value.toFixed(1)}` : '-');

function compare(trick: Trick, base: Cost, variant: Cost): string[] {
  const verb = KEPT.includes(trick) ? 'without' : 'with';
  return [
    `${verb} ${trick.name}`,
    trick.run,
    ...(['wallMs', 'bestMs', 'cpuMs', 'peakMib'] as const).map((key) => signed(variant[key] - base[key])),
  ];
}
