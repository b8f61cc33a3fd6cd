// What a program's end means for the run: exit codes as sysexits(3) has them, the program's own by a map, and deaths by a signal.
import { constants } from 'node:os';
import { type ErrorCode, ExecError } from '../../errors.ts';
import type { ExitMeaning } from '../../job.ts';
import { memoryLimit } from './oom.ts';
import type { ProgramEnd } from './run-program.ts';

/** The same codes as our own mean the same when a program ends with them (docs/decisions/exit-codes.md). */
const USUAL: Readonly<Record<number, ExitMeaning>> = {
  0: 'succeeded',
  64: 'rejected',
  65: 'permanent',
  69: 'unavailable',
  75: 'skipped',
  78: 'misconfigured',
  80: 'continued',
};

const CODE_OF: Readonly<Record<Exclude<ExitMeaning, 'succeeded'>, ErrorCode>> = {
  failed: 'ERR_RUN_JOB_PROGRAM',
  permanent: 'ERR_RUN_JOB_PERMANENT',
  rejected: 'ERR_RUN_JOB_USAGE',
  unavailable: 'ERR_RUN_JOB_UNAVAILABLE',
  skipped: 'ERR_RUN_JOB_TEMPORARY',
  misconfigured: 'ERR_RUN_JOB_CONFIG',
  continued: 'ERR_RUN_JOB_CONTINUE',
};

/** All that an exit code can mean. */
export const MEANINGS: readonly string[] = ['succeeded', ...Object.keys(CODE_OF)];

/** What the program's exit code means: by the map that its job has, else as usual. */
export function meaningOf(code: number, map: Readonly<Record<number, ExitMeaning>> = {}): ExitMeaning {
  return map[code] ?? USUAL[code] ?? 'failed';
}

/** The error of a program that didn't succeed; undefined when it did. */
export function errorOf(
  program: string,
  end: Pick<ProgramEnd, 'code' | 'signal' | 'outOfMemory'>,
  map?: Readonly<Record<number, ExitMeaning>>,
): ExecError | undefined {
  const told = { exitCode: end.code, signal: end.signal };
  if (end.code === null) {
    return new ExecError('ERR_RUN_JOB_PROGRAM', `${program} was killed by ${end.signal}${hint(end.signal, end)}`, told);
  }
  const meaning = meaningOf(end.code, map);
  if (meaning === 'succeeded') return undefined;
  return new ExecError(CODE_OF[meaning], `${program} ended with exit code ${end.code}${aside(end.code, end)}`, told);
}

/** What the shells' own exit codes say. */
function aside(code: number, end: Pick<ProgramEnd, 'outOfMemory'>): string {
  if (code === 126) return ', as a shell says that it found a command and could not run it';
  if (code === 127) return ', as a shell says that it found no such command';
  const signal = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0];
  return signal === undefined ? '' : `, as a shell says of a command that was killed by ${signal}${hint(signal, end)}`;
}

function hint(signal: string | null, { outOfMemory }: Pick<ProgramEnd, 'outOfMemory'>): string {
  if (signal !== 'SIGKILL' || !outOfMemory) return '';
  const limit = memoryLimit();
  const most = limit === undefined ? '' : ` (${Math.round(limit / 2 ** 20)} MiB)`;
  return `: the kernel ended it because the memory limit${most} was reached; raise resources.limits.memory, or let it use less`;
}
