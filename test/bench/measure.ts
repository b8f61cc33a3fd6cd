// What a command costs: wall time from spawn to exit, CPU time of all its threads, and peak memory.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';

export interface Command {
  readonly name: string;
  /** The program; this Node unless given. */
  readonly program?: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Whether its standard output is a pipe that is read, as a container's is, and not /dev/null. */
  readonly piped?: boolean;
}

export interface Cost {
  readonly name: string;
  /** Median, in milliseconds. */
  readonly wallMs: number;
  /** The fastest, in milliseconds. */
  readonly bestMs: number;
  /** The least CPU time of all threads, in milliseconds: what else the machine does changes it least of all. */
  readonly cpuMs: number;
  /** Median of the peaks of the resident set, in MiB. */
  readonly peakMib: number;
}

/** Measures all commands in turns, so that what else the machine does is spread evenly over them. */
export async function measure(commands: readonly Command[], rounds: number): Promise<Cost[]> {
  const walls = commands.map((): number[] => []);
  const cpus = commands.map((): number[] => []);
  const peaks = commands.map((): number[] => []);
  for (let round = -2; round < rounds; round += 1) {
    for (const [index, command] of commands.entries()) {
      const wall = await wallTime(command);
      // The first two warm up: V8's compile cache, the file system's, the database's.
      if (round >= 0) walls[index]?.push(wall);
      if (round >= 0) cpus[index]?.push(await cpuTime(command));
      if (round >= 0 && round % 4 === 0) peaks[index]?.push(await peakMemory(command));
    }
  }
  return commands.map(({ name }, index) => ({
    name,
    wallMs: median(walls[index] ?? []),
    bestMs: Math.min(...(walls[index] ?? [])),
    cpuMs: Math.min(...(cpus[index] ?? [])),
    peakMib: median(peaks[index] ?? []),
  }));
}

function start({ program = process.execPath, args, env, cwd, piped }: Command) {
  const stdout = piped ? 'pipe' : 'ignore';
  const child = spawn(program, args, {
    stdio: ['ignore', stdout, 'ignore'],
    env: { PATH: process.env.PATH, ...env },
    cwd,
  });
  child.stdout?.resume();
  return child;
}

async function wallTime(command: Command): Promise<number> {
  const startedAt = performance.now();
  const [code] = await once(start(command), 'exit');
  if (code !== 0) throw new Error(`${command.name} exited with ${code}`);
  return performance.now() - startedAt;
}

/** As the kernel counts it for a process and all its threads, to the millisecond; Node doesn't tell it of a child, and bash does. */
async function cpuTime({ args, env, cwd }: Command): Promise<number> {
  const script = 'TIMEFORMAT="%3U %3S"; time "$@" 2> /dev/null';
  const child = spawn('bash', ['-c', script, 'bash', process.execPath, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, ...env },
    cwd,
  });
  child.stdout.resume();
  const seconds = (await text(child.stderr)).trim().split(' ').map(Number);
  return seconds.reduce((sum, value) => sum + value, 0) * 1_000;
}

/** The kernel's high-water mark, read until the process is gone; Linux only. Such a run isn't timed. */
async function peakMemory(command: Command): Promise<number> {
  const child = start(command);
  let peakKib = 0;
  const poll = setInterval(() => {
    try {
      const mark = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1];
      peakKib = Math.max(peakKib, Number(mark ?? 0));
    } catch {
      // It has just ended.
    }
  }, 1);
  await once(child, 'exit');
  clearInterval(poll);
  return peakKib / 1024;
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
