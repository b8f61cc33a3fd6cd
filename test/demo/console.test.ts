// `npm run demo -- --console`: two weeks of made history in the console, until Ctrl-C.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, test } from 'vitest';

test('the demo opens the console over its history, and leaves nothing behind', async () => {
  const demo = spawn(process.execPath, ['--no-warnings', 'deploy/demo/demo.ts', '--console', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  try {
    let output = '';
    const url = await new Promise<string>((resolve, reject) => {
      for (const stream of [demo.stdout, demo.stderr]) {
        stream.setEncoding('utf8').on('data', (text: string) => {
          output += text;
          const said = /the console is at (http:\/\/[\d.]+:\d+)/.exec(output)?.[1];
          if (said) resolve(said);
        });
      }
      demo.on('exit', (code) => reject(new Error(`the demo ended with ${code}:\n${output}`)));
    });
    expect(await (await fetch(url)).text()).toMatch(/ledger_close[\s\S]*failing/);
    demo.kill('SIGINT');
    const [code] = await once(demo, 'exit');
    expect(code).toBe(130);
    await expect(fetch(url)).rejects.toThrow();
  } finally {
    demo.kill('SIGKILL');
  }
}, 120_000);
