// `run-job exec` on a terminal: util-linux's `script` is one, and tells what is written to it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test as base, expect, inject } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { findProgram } from '../support/install.ts';

const script = process.platform === 'linux' ? findProgram('script') : undefined;
if (!script) console.warn("NOT CHECKED here: programs on a terminal. There is no util-linux' script");
const test = base.skipIf(!script);

const quoted = (words: readonly string[]) => words.map((word) => `'${word.replaceAll("'", `'\\''`)}'`).join(' ');

/** Runs a command on a terminal; `onText` hears of all that is there by then. */
async function onTerminal(command: readonly string[], onText: (text: string) => void = () => {}): Promise<string> {
  const child = spawn(script ?? 'script', ['-qec', quoted(command), '/dev/null'], {
    cwd: mkdtempSync(join(inject('scratchFolder'), 'terminal-')),
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env.PATH, TERM: 'xterm', NO_COLOR: '1', API_TOKEN: 'f81d4fae7dec11d0' },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk;
    onText(text);
  });
  await once(child, 'close');
  return text;
}

const withRunJob = (command: readonly string[]) => [process.execPath, EXECUTABLE, 'exec', 'it', '--', ...command];

/** What a run says before and behind its program. */
const BEFORE = /^.*run started.*\r\n/m;
const BEHIND = /^.*run succeeded.*\r\n$/m;

test('a program looks as if it ran alone: colours, progress on one line, and characters that are written in halves', async () => {
  const program = ['sh', '-c', String.raw`printf 'one\n\033[31mred\033[0m\n1/2\r2/2\r\ncaf\303'; printf '\251\n'`];
  const [alone, ours] = [await onTerminal(program), await onTerminal(withRunJob(program))];
  expect(alone).toContain('café');
  const begin = BEFORE.exec(ours);
  const end = BEHIND.exec(ours);
  expect(ours.slice((begin?.index ?? 0) + (begin?.[0].length ?? 0), end?.index)).toBe(alone);
});

test('what it writes to standard error is there as well', async () => {
  const text = await onTerminal(withRunJob(['sh', '-c', 'echo to standard error >&2']));
  expect(text).toMatch(/run started.*\r\nto standard error\r\n.*run succeeded/);
});

test('a private key is no more to be seen where it comes line by line', async () => {
  const lines = ['-----BEGIN RSA PRIVATE KEY-----', 'MIIEabc', '', 'MIIEdef', '-----END RSA PRIVATE KEY-----', 'after'];
  const program = ['sh', '-c', lines.map((line) => `echo '${line}'`).join('; sleep 0.1; ')];
  const text = await onTerminal(withRunJob(program));
  expect(text).toMatch(/\[redacted\]\r\n\[redacted\]\r\n\r\n\[redacted\]\r\n\[redacted\]\r\nafter\r\n/);
});

test('a question is there before its answer, and what comes behind an open line has a line of its own', async () => {
  const answer = join(mkdtempSync(join(inject('scratchFolder'), 'answer-')), 'answer');
  const program = ['sh', '-c', `printf 'Go on? '; until test -e ${answer}; do sleep 0.05; done; printf yes`];
  const text = await onTerminal(withRunJob(program), (sofar) => {
    if (sofar.endsWith('Go on? ')) writeFileSync(answer, '');
  });
  expect(text).toMatch(/\r\nGo on\? yes\r\n.*run succeeded/);
});

test('a secret is hidden from who looks on too', async () => {
  const text = await onTerminal(withRunJob(['sh', '-c', 'echo "the token is $API_TOKEN"']));
  expect(text).toContain('the token is [redacted]\r\n');
  expect(text).not.toContain('f81d4fae7dec11d0');
});
