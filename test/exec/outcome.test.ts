// `run-job exec`: a program in any language has the life of a run, and its end is told as it was.
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { expectAccounts, readRecords } from '../support/accounts.ts';
import { EXECUTABLE } from '../support/built.ts';
import { createDatabase } from '../support/database.ts';
import { runJob, runToEnd } from '../support/run-job.ts';
import { exec, execToEnd, linesOf, noPython, python } from './support.ts';

const sh = (script: string) => ['sh', '-c', script];

test.concurrent('each line is a log line with its stream; a JSON object becomes fields', async () => {
  const ended = await execToEnd(
    sh(
      `echo out; echo err >&2; echo '{"level":"warn","msg":"careful","rows":3,"job":"x"}'; echo '{broken'; printf last`,
    ),
  );
  const { job, name, runId } = ended.summary as unknown as Record<string, unknown>;
  expect(linesOf(ended)).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ level: 'info', msg: 'out', stream: 'stdout', job, name, runId, attempt: 1 }),
      expect.objectContaining({ level: 'info', msg: 'err', stream: 'stderr' }),
      expect.objectContaining({ level: 'warn', msg: 'careful', rows: 3, job, stream: 'stdout' }),
      expect.objectContaining({ level: 'info', msg: '{broken' }),
      expect.objectContaining({ level: 'info', msg: 'last' }),
    ]),
  );
  expect(ended.left).toEqual([]);
});

test.concurrent('standard output and error can be opened by their names, as pipes can', async () => {
  const ended = await execToEnd(
    sh('echo one > /dev/stdout; echo two > /dev/stderr; echo three | tee /dev/stderr > /dev/null'),
  );
  expect(
    linesOf(ended)
      .map(({ msg }) => msg)
      .sort(),
  ).toEqual(['one', 'three', 'two']);
});

test.concurrent.each([
  [0, 'succeeded', 0],
  [1, 'failed', 1],
  [42, 'failed', 1],
  [64, 'rejected', 64],
  [65, 'failed', 65],
  [69, 'unavailable', 69],
  [75, 'skipped', 75],
  [78, 'misconfigured', 78],
  [143, 'failed', 1],
] as const)(
  'exit code %d of the program: %s, exit %d, and its own code is in the record',
  async (code, status, exitCode) => {
    await using database = await createDatabase();
    const ended = await execToEnd(sh(`exit ${code}`), [], { database });
    const expected = { status, exitCode, ...(code === 0 ? {} : { error: `sh ended with exit code ${code}` }) };
    const record = await expectAccounts(ended, database, { ...expected, ...(code === 75 && { reason: 'program' }) });
    expect(record).toMatchObject({ program: { exitCode: code, signal: null } });
    expect(ended.summary).toMatchObject({ program: { exitCode: code, signal: null } });
  },
);

test.concurrent('a map of exit codes is the job’s own', async () => {
  const flags = ['--exit-code', '24=succeeded', '--exit-code', '23=permanent'];
  const succeeded = await execToEnd(sh('exit 24'), flags);
  expect(succeeded.summary).toMatchObject({ status: 'succeeded', exitCode: 0, program: { exitCode: 24 } });
  expect(succeeded.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: 'sh ended with exit code 24, which counts as success here' }),
  );
  expect((await execToEnd(sh('exit 23'), flags)).summary).toMatchObject({ status: 'failed', exitCode: 65 });
});

test.concurrent('a death by a signal is told as such', async () => {
  await using database = await createDatabase();
  const ended = await execToEnd(sh('kill -SEGV $$'), [], { database });
  const record = await expectAccounts(ended, database, {
    status: 'failed',
    exitCode: 1,
    error: 'sh was killed by SIGSEGV',
  });
  expect(record).toMatchObject({ program: { exitCode: null, signal: 'SIGSEGV' } });
  const within = await execToEnd(sh('sh -c "kill -SEGV \\$\\$"; exit $?'));
  expect(within.summary.error?.message).toContain('as a shell says of a command that was killed by SIGSEGV');
});

test.concurrent('the program is told of its run', async () => {
  const flags = [
    '--param',
    'olderThan=30',
    '--params',
    '{"deep":{"n":1}}',
    '--scheduled-at',
    '2026-11-23T02:00:00Z',
    '--timeout',
    '1h',
  ];
  const ended = await execToEnd(sh('env | grep ^RUN_JOB_ | sort; echo "TP=$TRACEPARENT"'), flags, {
    env: {
      TRACEPARENT: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      RUN_JOB_SHARDS: '4',
      JOB_COMPLETION_INDEX: '2',
    },
  });
  const told = Object.fromEntries(
    linesOf(ended).map(({ msg }) => [msg.slice(0, msg.indexOf('=')), msg.slice(msg.indexOf('=') + 1)]),
  );
  expect(told).toMatchObject({
    RUN_JOB_RUN_ID: ended.summary.runId,
    RUN_JOB_NAME: 'it',
    RUN_JOB_ATTEMPT: '1',
    RUN_JOB_SCHEDULED_AT: '2026-11-23T02:00:00.000Z',
    RUN_JOB_DRY_RUN: '',
    RUN_JOB_SHARD_INDEX: '2',
    RUN_JOB_SHARD_COUNT: '4',
    RUN_JOB_PARAM_OLDER_THAN: '30',
    RUN_JOB_PARAM_DEEP: '{"n":1}',
    TP: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
  });
  // Without a lock it is the time of the start, in microseconds.
  expect(Number(told.RUN_JOB_FENCE)).toBeGreaterThan((Date.now() - 60_000) * 1_000);
  expect(JSON.parse(told.RUN_JOB_PARAMS ?? '')).toEqual({ olderThan: '30', deep: { n: 1 } });
  expect(new Date(told.RUN_JOB_DEADLINE ?? 0).getTime()).toBeGreaterThan(Date.now() + 3_000_000);
  expect((await execToEnd(sh('echo "dry=$RUN_JOB_DRY_RUN"'), ['--dry-run'])).lines).toContainEqual(
    expect.objectContaining({ msg: 'dry=true' }),
  );
});

test
  .skipIf(noPython)
  .concurrent('what a Python program writes as its result and its progress is the run’s', async () => {
    await using database = await createDatabase();
    const script = `
import json, os
with open(os.environ["RUN_JOB_PROGRESS_FILE"], "a") as progress:
    for done in range(1, 4):
        progress.write(f"{done} 3\\n")
with open(os.environ["RUN_JOB_RESULT_FILE"], "w") as result:
    json.dump({"rows": 3, "password": "hunter2hunter2"}, result)
`;
    const ended = await execToEnd([python ?? '', '-c', script], [], { database });
    const record = await expectAccounts(ended, database, { status: 'succeeded', exitCode: 0 });
    expect(record?.result).toEqual({ rows: 3, password: '[redacted]' });
    expect(ended.lines).toContainEqual(expect.objectContaining({ msg: 'progress', done: 3, total: 3, percent: 100 }));
  });

test.concurrent('a run inside of a program of another run gives its own program nothing of that one', async () => {
  const inner = '"$0" "$1" exec inner -- sh -c "env | grep ^RUN_JOB_"';
  const ended = await execToEnd(
    [
      'sh',
      '-c',
      `echo "$RUN_JOB_PARAM_DAY"; RUN_JOB_CHECKPOINT_FILE=/no/file; export RUN_JOB_CHECKPOINT_FILE; ${inner}`,
      process.execPath,
      EXECUTABLE,
    ],
    ['--param', 'day=monday'],
  );
  const told = linesOf(ended).map(({ msg }) => msg);
  expect(told).toContain('monday');
  expect(told).toContain('RUN_JOB_NAME=inner');
  expect(told.filter((line) => /RUN_JOB_PARAM_|CHECKPOINT_FILE/.test(line))).toEqual([]);
  const files = told.filter((line) => line.startsWith('RUN_JOB_RESULT_FILE='));
  expect(files).toHaveLength(1);
});

test('a run inside of a program of another run leaves that one’s sidecars, termination message and schedule alone', async () => {
  await using database = await createDatabase();
  const asked: string[] = [];
  const sidecar = createServer(async (_, response) => {
    asked.push(...(await readRecords(database)).map(({ status }) => status));
    response.end();
  }).listen(0, '127.0.0.1');
  await once(sidecar, 'listening');
  const { port } = sidecar.address() as AddressInfo;
  const message = join(mkdtempSync(join(inject('scratchFolder'), 'message-')), 'message');
  const ended = await execToEnd(
    ['sh', '-c', `"$0" "$1" exec inner -- true; test ! -s ${message} || echo written`, process.execPath, EXECUTABLE],
    [],
    {
      database,
      env: {
        RUN_JOB_TERMINATION_LOG: message,
        RUN_JOB_SHUTDOWN_URLS: `http://127.0.0.1:${port}/`,
        RUN_JOB_SCHEDULE: '0 3 * * *',
        RUN_JOB_TIME_ZONE: 'Europe/Berlin',
      },
    },
  );
  sidecar.close();
  expect(ended.exitCode, ended.stdout).toBe(0);
  expect(asked).toEqual(['succeeded', 'succeeded']);
  expect(linesOf(ended).map(({ msg }) => msg)).not.toContain('written');
  expect(JSON.parse(readFileSync(message, 'utf8'))).toMatchObject({ name: 'it', status: 'succeeded' });
  expect(await database.query('select name from run_job.schedules')).toEqual([{ name: 'it' }]);
});

test.concurrent.each([
  ['a working directory that is gone', 'mkdir gone && cd gone && rmdir ../gone', 78, 'The working directory is gone'],
  ['no room for another file', 'ulimit -n 24', 69, 'There is no room for another process (EMFILE)'],
])('%s is told in one sentence', async (_, before, exitCode, told) => {
  const args = ['-c', `${before} && exec "$0" "$@"`];
  const ended = await runJob(['exec', 'it', '--', 'echo', 'x'], { through: ['sh', ...args] }).done;
  expect(ended.exitCode, ended.stdout).toBe(exitCode);
  expect(ended.summary.error?.message).toContain(told);
  expect(ended.stdout).not.toContain('    at ');
});

test.concurrent('a result that is no JSON is told, and changes nothing', async () => {
  const ended = await execToEnd(sh('echo "{rows: 3" > "$RUN_JOB_RESULT_FILE"'));
  expect(ended.summary).toMatchObject({ status: 'succeeded' });
  expect(ended.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: expect.stringContaining("it isn't JSON") }),
  );
});

test.concurrent('attempts are made anew, each told its number, and what can’t be mended isn’t tried again', async () => {
  const twice = await execToEnd(sh('echo "attempt $RUN_JOB_ATTEMPT"; [ "$RUN_JOB_ATTEMPT" = 2 ]'), ['--attempts', '3']);
  expect(twice.summary).toMatchObject({ status: 'succeeded', attempts: 2 });
  expect(linesOf(twice).map(({ msg }) => msg)).toEqual(['attempt 1', 'attempt 2']);
  expect((await execToEnd(sh('exit 65'), ['--attempts', '3'])).summary).toMatchObject({ attempts: 1, exitCode: 65 });
  expect((await execToEnd(['no-such-program'], ['--attempts', '3'])).summary).toMatchObject({
    attempts: 1,
    exitCode: 78,
  });
});

test.concurrent.each([
  ['a file: all of it', '"$0" "$@" < input', 0, ['all', 'all']],
  ['the rest of a file, which it can’t: misconfigured', '{ read -r first; "$0" "$@"; } < input', 78, ['all']],
  ['a pipe, which it can’t: misconfigured', 'cat input | "$0" "$@"', 78, ['all']],
  ['nothing', '"$0" "$@" < /dev/null', 0, []],
])('another attempt reads from standard input what the first one has read: %s', async (_, script, exitCode, read) => {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'input-'));
  writeFileSync(join(folder, 'input'), 'first\nall\n');
  const program = ['sh', '-c', 'grep all; [ "$RUN_JOB_ATTEMPT" = 2 ]'];
  const run = [process.execPath, EXECUTABLE, 'exec', 'it', '--attempts', '2', '--', ...program];
  const { status, stdout } = spawnSync('sh', ['-c', script, ...run], {
    cwd: folder,
    encoding: 'utf8',
    env: { PATH: process.env.PATH },
  });
  expect(status, stdout).toBe(exitCode);
  expect([...stdout.matchAll(/"msg":"(all)"/g)].map(([, text]) => text)).toEqual(read);
});

test.concurrent('secrets of the environment are redacted, in a private key of many lines too', async () => {
  const ended = await execToEnd(
    sh(
      'echo "token is $API_TOKEN"; printf -- "-----BEGIN RSA PRIVATE KEY-----\\nMIIEabc\\nMIIEdef\\n-----END RSA PRIVATE KEY-----\\nafter\\n"',
    ),
    [],
    { env: { API_TOKEN: 's3cr3t-value-1' } },
  );
  expect(ended.stdout).not.toMatch(/s3cr3t-value-1|MIIE/);
  expect(linesOf(ended).at(-1)?.msg).toBe('after');
});

test.concurrent('--raw passes the bytes through untouched, on the stream they were written to', async () => {
  const ended = await execToEnd(sh('printf "a\\tb\\n\\n{\\"x\\":1}\\nno end"; printf "to stderr" >&2'), ['--raw']);
  // The last line is one of its own all the same.
  expect(ended.stdout).toContain('a\tb\n\n{"x":1}\nno end\n{"time":');
  expect(JSON.parse(ended.stdout.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({ status: 'succeeded' });
  expect(ended.stderr).toBe('to stderr');
});

test.concurrent('the program reads what run-job would have read', async () => {
  const run = exec(['cat']);
  run.child.stdin.end('from standard input\n');
  expect(linesOf(await run.done).map(({ msg }) => msg)).toEqual(['from standard input']);
});

test.concurrent('the last hundred lines of a run that failed are kept, redacted, and shown', async () => {
  await using database = await createDatabase();
  const env = { API_TOKEN: 's3cr3t-value-1' };
  const ended = await execToEnd(
    sh('i=0; while [ $i -lt 300 ]; do i=$((i+1)); echo "line $i"; done; echo "with $API_TOKEN" >&2; exit 3'),
    [],
    { database, env },
  );
  const record = await expectAccounts(ended, database, { status: 'failed', exitCode: 1, error: /exit code 3/ });
  const output = (record as unknown as { output: string[] }).output;
  expect(output).toHaveLength(100);
  expect(output).toContain('line 300');
  expect(output).toContain('with [redacted]');
  const shown = (await runToEnd(['show', ended.summary.runId], { database })).stdout;
  expect(shown).toMatch(/Program +exit code 3\n/);
  expect(shown).toMatch(/Last lines +line 2\d\d\n/);
  const good = await execToEnd(sh('echo fine'), [], { database });
  expect(await expectAccounts(good, database, { status: 'succeeded', exitCode: 0 })).toMatchObject({ output: null });
});

test.concurrent('what JSON has escaped of a secret is kept and shown no more than it is logged', async () => {
  await using database = await createDatabase();
  const lines = [
    '{"url":"postgres:\\/\\/bob:Xq8vTz31@db\\/orders"}',
    '{"p\\u0061ssword":"Xq8vTz31"}',
    '{"msg":"a token: \\u0073\\u0033cr3t-value-1"}',
    '{"msg":"two\\nlines"}',
  ];
  const program = ['sh', '-c', 'for line; do printf "%s\\n" "$line"; done; exit 3', 'sh', ...lines];
  const options = { database, env: { API_TOKEN: 's3cr3t-value-1' } };
  const ended = await execToEnd(program, [], options);
  const shown = (await runToEnd(['show', ended.summary.runId], options)).stdout;
  expect(shown).toContain('{"url":"postgres:\\/\\/[redacted]@db\\/orders"}');
  expect(shown).toContain('{"msg":"two\\nlines"}');
  const pretty = await execToEnd(program, ['--log-format', 'pretty'], options);
  for (const text of [shown, pretty.stdout]) expect(text).not.toMatch(/Xq8vTz31|u0073/);
});

test.concurrent('of a run that is itself killed, what its program has said is in the log, and nothing of it in the record', async () => {
  await using database = await createDatabase();
  await using run = exec(sh('echo said; exec sleep 1000'), [], { database });
  const { runId } = await run.waitForLine(({ msg }) => msg === 'said');
  run.kill('SIGKILL');
  expect(await run.done).toMatchObject({ signal: 'SIGKILL', stdout: expect.stringContaining('"msg":"said"') });
  const next = await execToEnd(['true'], [], { database });
  expect(next.lines).toContainEqual(expect.objectContaining({ lostRunId: runId }));
  const shown = JSON.parse((await runToEnd(['show', String(runId), '--json'], { database })).stdout);
  expect(shown).toMatchObject({ status: 'lost' });
  expect(shown.output ?? null).toBeNull();
});

test.concurrent('the last lines of a job in TypeScript are its own log lines', async () => {
  await using database = await createDatabase();
  const ended = await runToEnd(['flaky', '--attempts', '1'], { database });
  const shown = JSON.parse((await runToEnd(['show', ended.summary.runId, '--json'], { database })).stdout);
  expect(shown.output.join('\n')).toMatch(/info run started .*\n.* warn attempt 1 of 1 failed/);
});

test.concurrent('the arguments are part of the slot: the same work succeeds once, other work isn’t kept from it', async () => {
  await using database = await createDatabase();
  const at = ['--scheduled-at', '2026-11-23T02:00:00Z'];
  const first = await execToEnd(['echo', 'one'], at, { database });
  expect(first.summary).toMatchObject({ status: 'succeeded' });
  expect((await execToEnd(['echo', 'one'], at, { database })).summary).toMatchObject({
    status: 'skipped',
    exitCode: 0,
    reason: 'slot_succeeded',
  });
  expect((await execToEnd(['echo', 'two'], at, { database })).summary).toMatchObject({ status: 'succeeded' });
});

test.concurrent.each([
  [['exec'], 'name the run first'],
  [['exec', '--', 'true'], 'name the run first'],
  [['exec', 'Not a name', '--', 'true'], 'the name of a run'],
  [['exec', 'bad\n\u001b[31mname', '--', 'true'], 'and is "bad\\n\\u001b[31mname"'],
])('%j has no run to tell of: one sentence, exit 64', async (args, told) => {
  const ended = await runToEnd(args);
  expect(ended).toMatchObject({ exitCode: 64, stdout: '' });
  expect(ended.stderr).toContain(told);
  expect(ended.stderr.trim().split('\n')).toHaveLength(1);
});

test.concurrent('an argument that Node can’t pass on as it is: exit 64', () => {
  const run = (bytes: string) =>
    spawnSync(
      'sh',
      ['-c', `exec "$0" "$@" "$(printf '${bytes}')"`, process.execPath, EXECUTABLE, 'exec', 'it', '--', 'echo'],
      {
        cwd: mkdtempSync(join(inject('scratchFolder'), 'bytes-')),
        encoding: 'utf8',
        env: { PATH: process.env.PATH },
      },
    );
  expect(run('M\\374ller.csv')).toMatchObject({
    status: 64,
    stdout: expect.stringContaining("an argument isn't UTF-8"),
  });
  expect(run('M\\303\\274ller \\357\\277\\275')).toMatchObject({
    status: 0,
    stdout: expect.stringContaining('Müller \ufffd'),
  });
});

test.concurrent('arguments that the kernel takes for too long: exit 78', async () => {
  const long = (name: string) => ['--param', `${name}=${'x'.repeat(100_000)}`];
  const ended = await execToEnd(['true'], [...long('a'), ...long('b')]);
  expect(ended.exitCode).toBe(78);
  expect(ended.summary.error?.message).toContain('longer than the kernel allows');
});

test.concurrent.each([
  [['exec', 'it'], 64, 'say after -- what to run'],
  [['exec', 'it', 'pg_dump', '-Fc'], 64, 'say after -- what to run'],
  [['exec', 'it', '--'], 64, 'say after -- what to run'],
  [['exec', 'it', '--attempts', '0', '--', 'true'], 64, '--attempts must be a whole number'],
  [['exec', 'it', '--exit-code', '24', '--', 'true'], 64, '--exit-code takes code=meaning'],
  [['exec', 'it', '--exit-code', '24=suceeded', '--', 'true'], 64, 'did you mean succeeded?'],
  [
    ['exec', 'it', '--exit-code', '3=failed', '--exit-code', '3=succeeded', '--', 'true'],
    64,
    '--exit-code 3 is given twice',
  ],
  [
    ['exec', 'it', '--params', '{"x":"a\\u0000b"}', '--', 'true'],
    78,
    'The variable RUN_JOB_PARAM_X holds a NUL character',
  ],
  [['exec', 'it', '--', 'ls -l'], 78, 'There is no program "ls -l": there is no shell in between'],
  [['exec', 'it', '--no-such-flag', '--', 'true'], 64, 'has no flag --no-such-flag'],
  [['exec', 'it', '--', 'no-such-program'], 78, 'There is no program no-such-program in PATH ('],
  [['exec', 'it', '--', '/'], 78, '/ is a folder and no program'],
  [['exec', 'it', '--', '/etc/passwd'], 78, 'is not executable'],
] as const)('%j: exit %d', async (args, exitCode, told) => {
  const ended = await runToEnd(args);
  expect(ended.exitCode, ended.stdout).toBe(exitCode);
  expect(ended.summary.error?.message).toContain(told);
  expect(ended.summary.error?.stack).toBeUndefined();
  // Whoever reads it reads it once.
  expect(ended.stdout.split(JSON.stringify(ended.summary.error?.message)), ended.stdout).toHaveLength(2);
});
