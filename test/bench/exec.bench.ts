// What `run-job exec` costs over the bare program: time for one that does nothing, throughput for one that writes 100 MB.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { measure } from './measure.ts';
import { tell } from './report.ts';

const EXECUTABLE = resolve('dist/run-job.js');
const BYTES = 100_000_000;
/** Memory is flat when this much takes as much of it. */
const FEWER_BYTES = 10_000_000;

/** Lines as services write them; none may be mistaken for one with a secret in it, and none repeats the one before. */
const WRITERS: Readonly<Record<string, string>> = {
  'plain lines': '2026-11-26T07:37:48.845Z INFO processed order %d of customer %d in 12ms status=ok path=/orders/%d',
  'JSON lines': '{"level":"info","msg":"processed an order","order":%d,"customer":%d,"took_ms":12,"path":"/orders/%d"}',
};

/** Makes each of the small runs `rounds` times (20 unless given), and each of the large ones, of `times` (1) times 100 MB, three times. */
export async function bench([rounds = '20', times = '1']: readonly string[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-bench-'));
  try {
    const costs = await measure(
      [
        { name: 'node -e 0', args: ['-e', '0'] },
        { name: 'true', program: '/bin/true', args: [] },
        { name: 'run-job exec it -- true', args: [EXECUTABLE, 'exec', 'it', '--', 'true'] },
      ],
      Number(rounds),
    );
    const [node, bare, ours] = costs;
    const added = ours && bare && node ? (ours.bestMs - bare.bestMs) / node.bestMs : Number.NaN;
    tell(
      'exec-startup',
      ['one program', 'median ms', 'best ms', 'peak MiB'],
      costs.map(({ name, wallMs, bestMs, peakMib }) => [
        name,
        wallMs.toFixed(1),
        bestMs.toFixed(1),
        peakMib.toFixed(1),
      ]),
      { costs, added },
    );
    console.log(`added by the best of each: ${added.toFixed(2)} x node -e 0\n`);
    const flows = [];
    for (const [name, line] of Object.entries(WRITERS)) {
      const text = linesOf(line);
      const file = join(folder, `${name}.txt`);
      const shortFile = join(folder, `${name}-short.txt`);
      writeFileSync(file, text);
      writeFileSync(shortFile, text.slice(0, text.lastIndexOf('\n', FEWER_BYTES) + 1));
      for (const flags of [['--raw'], []]) {
        const { peakMib } = await flow('', [shortFile], flags);
        const large = await flow(`${name}${flags.length > 0 ? ', --raw' : ''}`, Array(Number(times)).fill(file), flags);
        flows.push({ ...large, growthMib: large.peakMib - peakMib });
      }
    }
    tell(
      'exec-output',
      [`${times}00 MB of output`, 'MB/s', 'MB per CPU second', 'peak MiB', 'more than for 10 MB'],
      flows.map(({ name, rate, cpuRate, peakMib, growthMib }) => [
        name,
        rate.toFixed(0),
        cpuRate.toFixed(0),
        peakMib.toFixed(0),
        growthMib.toFixed(0),
      ]),
      { flows },
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function linesOf(line: string): string {
  const lines: string[] = [];
  for (let bytes = 0, number = 0; bytes < BYTES; number += 1) {
    const text = line.replaceAll('%d', String(number));
    lines.push(text);
    bytes += text.length + 1;
  }
  return `${lines.join('\n')}\n`;
}

interface Flow {
  readonly name: string;
  /** MB of the program's output a second, by the best of three. */
  readonly rate: number;
  /** The same by run-job's own CPU time, which tells more where others use the machine. */
  readonly cpuRate: number;
  readonly peakMib: number;
}

async function flow(name: string, files: readonly string[], flags: readonly string[]): Promise<Flow> {
  let best = Number.POSITIVE_INFINITY;
  let cpuMs = Number.POSITIVE_INFINITY;
  let peakMib = 0;
  for (let round = 0; round < 3; round += 1) {
    const began = performance.now();
    const child = spawn(process.execPath, [EXECUTABLE, 'exec', 'it', ...flags, '--', 'cat', ...files], {
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { PATH: process.env.PATH },
    });
    let end = '';
    child.stdout.on('data', (chunk: Buffer) => {
      end = (end + chunk.subarray(-4096).toString('latin1')).slice(-8192);
    });
    await once(child, 'close');
    best = Math.min(best, performance.now() - began);
    cpuMs = Math.min(cpuMs, Number(/"cpuMs":(\d+)/.exec(end)?.[1]));
    peakMib = Math.max(peakMib, Number(/"peakRssBytes":(\d+)/.exec(end)?.[1]) / 2 ** 20);
  }
  const rateIn = (ms: number) => (files.length * BYTES) / 1e6 / (ms / 1_000);
  return { name, rate: rateIn(best), cpuRate: rateIn(cpuMs), peakMib };
}
