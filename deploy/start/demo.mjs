// What `npm run demo` starts: makes the clone ready, then runs the demo with the project's own Node.
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { env, NODE, prepare, ROOT } from './prepare.mjs';

await prepare();
const child = spawn(NODE, ['--no-warnings', join(ROOT, 'deploy/demo/demo.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env,
});
// Ctrl-C reaches the child by itself, and it cleans up: we only wait for it. A signal to us alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
});
