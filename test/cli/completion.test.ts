// Completion, by the real shells where they are installed.
import { execFile } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, inject, test } from 'vitest';
import { EXECUTABLE } from '../support/built.ts';
import { findProgram } from '../support/install.ts';
import { runToEnd } from '../support/run-job.ts';

const run = promisify(execFile);

/** Jobs of this test's own, so that no other test's fixture is offered beside them. */
function jobs(): string {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'jobs-'));
  const job = (name: string, params: string) =>
    writeFileSync(
      join(folder, `${name}.ts`),
      `import { defineJob } from 'run-job';
import * as v from 'valibot';
export default defineJob({ name: '${name}', description: 'Mails', params: v.object(${params}), run() {} });
`,
    );
  job('mails_letters', '{ to: v.string(), urgent: v.optional(v.boolean(), false) }');
  job('mails_parcels', '{}');
  return folder;
}

/** A folder with `run-job` in it, for PATH; npx is there, and has no program but this. */
function bin(): string {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'bin-'));
  const write = (name: string, text: string) => {
    writeFileSync(join(folder, name), `#!/bin/sh\n${text}\n`);
    chmodSync(join(folder, name), 0o755);
  };
  write('run-job', `exec ${process.execPath} ${EXECUTABLE} "$@"`);
  write('npx', 'shift; exec "$@"');
  return folder;
}

async function inShell(program: string, args: readonly string[]): Promise<string[]> {
  const home = mkdtempSync(join(inject('scratchFolder'), 'home-'));
  mkdirSync(join(home, '.config'));
  const env = {
    PATH: `${bin()}:${dirname(process.execPath)}:/usr/bin:/bin`,
    HOME: home,
    RUN_JOB_DIRS: jobs(),
    TERM: 'dumb',
  };
  const { stdout } = await run(program, args, { env });
  return stdout.split('\n').filter(Boolean);
}

interface Shell {
  readonly name: string;
  /** What the shell offers when Tab is pressed after this line. */
  complete(line: string): Promise<string[]>;
}

const SHELLS: readonly Shell[] = [
  {
    name: 'bash',
    complete: (line) =>
      inShell('bash', [
        '--norc',
        '-c',
        `compopt() { :; }
source <(run-job completion bash)
COMP_LINE=$1 COMP_POINT=\${#1} COMP_WORDS=($1) COMP_CWORD=\${#COMP_WORDS[@]}
if [[ $1 == npx* ]]; then _run_job_npx; else _run_job; fi && printf '%s\\n' "\${COMPREPLY[@]}"`,
        'bash',
        line,
      ]),
  },
  {
    name: 'zsh',
    complete: (line) =>
      inShell('zsh', [
        '-f',
        '-c',
        `compdef() { :; }
compadd() { while [[ $1 == -* ]]; do [[ $1 == -S ]] && shift; [[ $1 == -- ]] && { shift; break }; shift; done; (( $# )) && print -l -- "$@"; return 0 }
source <(run-job completion zsh)
words=("\${(@s: :)1}") CURRENT=\${#words}
if [[ $1 == npx* ]]; then _run_job_npx; else _run_job; fi`,
        'zsh',
        line,
      ]),
  },
  {
    name: 'fish',
    complete: (line) =>
      inShell('fish', ['--no-config', '-c', `run-job completion fish | source; complete --do-complete $argv[1]`, line]),
  },
];

describe.each(SHELLS.map((shell) => [shell.name, shell] as const))('in %s', (name, shell) => {
  const here = findProgram(name) !== undefined;

  test.runIf(here)('the first word is a job or a command', async () => {
    expect(await shell.complete('run-job hi')).toEqual(['history']);
    expect(await shell.complete('run-job mail')).toEqual(['mails_letters', 'mails_parcels']);
  });

  test.runIf(here)('a job has the flags of a run, and a command its own', async () => {
    expect(await shell.complete('run-job mails_parcels --sch')).toEqual(['--scheduled-at']);
    expect(await shell.complete('run-job history --si')).toEqual(['--since']);
  });

  test.runIf(here)('a flag has its values', async () => {
    expect((await shell.complete('run-job mails_parcels --locked ')).sort()).toEqual(['fail', 'skip', 'wait']);
    // bash has what stands before = on the line already.
    const [skip = ''] = await shell.complete('run-job mails_parcels --locked=s');
    expect(skip.replace('--locked=', '')).toBe('skip');
    expect(await shell.complete('run-job doctor --jobs mail')).toEqual(['mails_letters', 'mails_parcels']);
  });

  test.runIf(here)('a command has what it can be told to do', async () => {
    expect(await shell.complete('run-job schedules a')).toEqual(['apply']);
    expect(await shell.complete('run-job checkins ')).toEqual(['test']);
  });

  test.runIf(here)('--param has the parameters of the job', async () => {
    expect(await shell.complete('run-job mails_letters --param ur')).toEqual(['urgent=']);
    expect(await shell.complete('run-job mails_letters --param ')).toEqual(['to=', 'urgent=']);
    expect(await shell.complete('run-job mails_parcels --param ')).toEqual([]);
  });

  test.runIf(here)('npx run-job is completed as run-job is', async () => {
    expect(await shell.complete('npx run-job mail')).toEqual(['mails_letters', 'mails_parcels']);
    expect(await shell.complete('npx run-job mails_letters --param ')).toEqual(['to=', 'urgent=']);
  });
});

test('a job that can’t be found completes to nothing, without a word', async () => {
  const ended = await runToEnd(['completion', 'bash', '--words=no_such_job\n--']);
  expect(ended).toMatchObject({ exitCode: 0, stdout: '', stderr: '' });
});

test('an unknown shell is refused by name', async () => {
  const ended = await runToEnd(['completion', 'tcsh']);
  expect(ended).toMatchObject({
    exitCode: 64,
    stderr: 'run-job: There is no completion for tcsh; there is for bash, zsh, fish\n',
  });
});
