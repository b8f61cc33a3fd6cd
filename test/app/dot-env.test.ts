// `.env` as editors on every system save it, and what can't be read of it.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { loadDotEnv } from '../../src/process/dot-env.ts';

function load(content: string | Uint8Array, env: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const path = join(mkdtempSync(join(inject('scratchFolder'), 'dotenv-')), '.env');
  writeFileSync(path, content);
  loadDotEnv(env, path);
  return env;
}

test.each([
  ['a byte order mark', '\ufeffA=1\nB=2\n'],
  ['line breaks of Windows', 'A=1\r\nB=2\r\n'],
  ['both', '\ufeffA=1\r\nB=2'],
  ['quotes, export, comments and blanks', '# first\nexport A="1"\n\n  B = \'2\' # second\n'],
])('%s: every variable is there', (_, content) => {
  expect(load(content)).toEqual({ A: '1', B: '2' });
});

test('a value of several lines in quotes is one value', () => {
  expect(load('KEY="-----BEGIN-----\nabc\n-----END-----"\nA=1')).toEqual({
    KEY: '-----BEGIN-----\nabc\n-----END-----',
    A: '1',
  });
});

test('what the environment sets, empty or not, stays', () => {
  expect(load('A=1\nB=2\nC=3', { A: 'mine', B: '' })).toEqual({ A: 'mine', B: '', C: '3' });
});

test('no file is no variables', () => {
  const env = {};
  loadDotEnv(env, join(inject('scratchFolder'), 'no-such-.env'));
  expect(env).toEqual({});
});

test.each([
  ['UTF-16', Buffer.from('\ufeffA=s3cret', 'utf16le'), 'UTF-8'],
  ['a NUL', 'A=s3cret\0x', 'NUL'],
  ['a line without =', 'A=1\nDATABASE_URL postgres://s3cret\n', 'line 2'],
  ['a name with a blank', 'A B=s3cret', 'line 1'],
  ['a quote that nothing closes', 'A=1\nB="s3cret\nC=3', 'line 2'],
])('%s is refused with a sentence that says where, and nothing of what is there', (_, content, where) => {
  expect(() => load(content)).toThrow(
    expect.objectContaining({
      code: 'ERR_RUN_JOB_CONFIG',
      message: expect.stringMatching(new RegExp(`^The file \\.env (?!.*s3cret).*${where}`)),
    }),
  );
});
