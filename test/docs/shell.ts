// Runs the documentation's commands as somebody would who pastes them into a shell.
import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject } from 'vitest';

export interface Shell {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** What stands first in PATH, before this process's own Node. */
  readonly path?: readonly string[];
}

/** What the test runner has set for itself, and `npm test`: where npm's own Node is, which npx takes before any in PATH. */
const NOT_INHERITED = /^(VITEST|NODE_ENV|NODE_OPTIONS|TEST$|npm_config_(\w+_)?prefix$)/;

/** The environment of such a shell: ours, but for that. */
export function shellEnv({ env = {}, path = [] }: Omit<Shell, 'cwd'>): Record<string, string | undefined> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const all = [...path, dirname(process.execPath), process.env.PATH].join(':');
  return {
    ...Object.fromEntries(inherited),
    npm_config_prefer_offline: 'true',
    npm_config_audit: 'false',
    ...env,
    PATH: all,
  };
}

/** Runs commands as bash would, stopping at what fails; returns how they ended, and all that they said. */
export function runInShell(text: string, shell: Shell): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const options = { cwd: shell.cwd, env: shellEnv(shell), maxBuffer: 2 ** 26 };
    execFile('bash', ['-euo', 'pipefail', '-c', text], options, (error, stdout, stderr) =>
      resolve({ code: error ? Number(error.code ?? -1) : 0, output: `${stdout}${stderr}` }),
    );
  });
}

/** The same for commands that must end with 0. */
export async function mustRun(text: string, shell: Shell): Promise<string> {
  const { code, output } = await runInShell(text, shell);
  expect(code, output).toBe(0);
  return output;
}

export const emptyFolder = (): string => mkdtempSync(join(inject('scratchFolder'), 'docs-'));
