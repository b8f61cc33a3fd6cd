// Runs the built executable on a terminal of a given size: util-linux's `script` is one.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { inject } from 'vitest';
import { EXECUTABLE } from './built.ts';
import { findProgram } from './install.ts';

const SCRIPT = findProgram('script');

/** Whether there is a terminal to be had. */
export const hasTerminal = SCRIPT !== undefined && process.platform === 'linux';

export interface Size {
  readonly columns: number;
  readonly rows?: number;
}

export type OnTerminal = ChildProcessByStdio<null, Readable, null>;

/** Starts it; what it draws is on its standard output. */
export function startOnTerminal(
  args: readonly string[],
  { columns, rows = 24 }: Size,
  env: Readonly<Record<string, string>>,
): OnTerminal {
  const words = [process.execPath, EXECUTABLE, ...args].map((word) => `'${word}'`).join(' ');
  return spawn(SCRIPT as string, ['-qec', `stty columns ${columns} rows ${rows}; exec ${words}`, '/dev/null'], {
    cwd: inject('scratchFolder'),
    env: { PATH: process.env.PATH, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
}

/** The lines that it prints until its end. */
export async function linesOnTerminal(
  args: readonly string[],
  size: Size,
  env: Readonly<Record<string, string>>,
): Promise<string[]> {
  const child = startOnTerminal(args, size, env);
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  await once(child, 'close');
  return output.trimEnd().split('\r\n');
}
