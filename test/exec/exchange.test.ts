// The files through which a program speaks to its run: whatever a program makes of them, the run ends, and tells what is true.
import { chmodSync, rmSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { unprivilegedUser } from '../support/unprivileged.ts';
import { exec, execToEnd, linesOf, noPython, python } from './support.ts';

const sh = (script: string) => ['sh', '-c', script];
const py = (script: string) => [python ?? '', '-c', `import os\n${script}`];
const leaves = (text: string) => py(`open(os.environ["RUN_JOB_RESULT_FILE"], "w").write(${JSON.stringify(text)})`);

test.concurrent.each([
  ['a pipe that nobody writes to', 'mkfifo "$RUN_JOB_RESULT_FILE"', 'it is no file'],
  ['a device without an end', 'ln -s /dev/zero "$RUN_JOB_RESULT_FILE"', 'it is no file'],
  ['a folder', 'mkdir "$RUN_JOB_RESULT_FILE"', 'it is no file'],
  ['a link that leads nowhere but to itself', 'ln -s "$RUN_JOB_RESULT_FILE" "$RUN_JOB_RESULT_FILE"', 'ELOOP'],
  ['text of another encoding', `printf '"\\374"' > "$RUN_JOB_RESULT_FILE"`, "it isn't UTF-8"],
  ['larger than may be', 'head -c 70000 /dev/zero > "$RUN_JOB_RESULT_FILE"', 'it has 70000 bytes, and may have 65536'],
])('a result file that is %s is told, and changes nothing', async (_, script, told) => {
  const ended = await execToEnd(sh(script), ['--timeout', '10s']);
  expect(ended.summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
  expect(ended.summary).not.toHaveProperty('result');
  expect(ended.lines).toContainEqual(
    expect.objectContaining({ level: 'warn', msg: expect.stringContaining(`RUN_JOB_RESULT_FILE doesn't count: `) }),
  );
  expect(ended.stdout).toContain(told);
});

test.concurrent.each([
  ['a pipe', 'rm "$RUN_JOB_PROGRESS_FILE" && mkfifo "$RUN_JOB_PROGRESS_FILE" && sleep 1'],
  ['a folder', 'rm "$RUN_JOB_PROGRESS_FILE" && mkdir "$RUN_JOB_PROGRESS_FILE" && sleep 1'],
  ['gone', 'rm "$RUN_JOB_PROGRESS_FILE" && sleep 1'],
])('a progress file that is %s changes nothing', async (_, script) => {
  const ended = await execToEnd(sh(script), ['--timeout', '10s']);
  expect(ended.summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
});

test.concurrent('a folder that the program has locked changes nothing', async () => {
  const { uid, gid } = unprivilegedUser() ?? {};
  const through = ['setpriv', `--reuid=${uid}`, `--regid=${gid}`, '--clear-groups', 'env', '-C', '/'];
  const script = 'folder=$(dirname "$RUN_JOB_PROGRESS_FILE") && echo "$folder" && chmod 000 "$folder"';
  const ended = await exec(sh(script), [], {
    ...(uid !== undefined && { through }),
    env: { RUN_JOB_TERMINATION_LOG: undefined },
  }).done;
  const folder = linesOf(ended)[0]?.msg ?? '';
  chmodSync(folder, 0o700);
  rmSync(folder, { recursive: true });
  expect(ended.summary).toMatchObject({ status: 'succeeded', exitCode: 0 });
});

test.concurrent('progress that is written in the place of the one before is told as well', async () => {
  const write = (done: number) => `echo "${done} 3" > "$RUN_JOB_PROGRESS_FILE"`;
  const ended = await execToEnd(sh(`${write(1)}; sleep 1.2; ${write(3)}`));
  expect(ended.lines).toContainEqual(expect.objectContaining({ msg: 'progress', done: 3, total: 3, percent: 100 }));
});

describe.skipIf(noPython)('a result', () => {
  test.concurrent('keeps every digit of a whole number', async () => {
    const ended = await execToEnd(
      leaves('{"order": 12345678901234567890, "small": 12, "text": "1234567890123456789"}'),
    );
    expect(ended.summary.result).toEqual({ order: '12345678901234567890', small: 12, text: '1234567890123456789' });
  });

  test.concurrent('that is no JSON is told without what stands in it', async () => {
    const ended = await execToEnd(leaves('{"password": "hunter2", "rate": NaN}'));
    expect(ended.stdout).toContain("it isn't JSON: Unexpected token 'N'");
    expect(ended.stdout).not.toContain('nter2');
  });
});
