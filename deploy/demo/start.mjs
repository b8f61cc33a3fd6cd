// What `npm run demo` starts: installs and builds what is missing, then runs demo.ts with the project's own Node.
// Plain JavaScript: on a fresh clone the Node that runs it may be too old for TypeScript.
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const bin = join(root, 'node_modules/.bin');
const env = { ...process.env, PATH: `${bin}${delimiter}${process.env.PATH}` };

if (!existsSync(join(bin, 'node'))) npm('Installing what the project needs', ['ci', '--no-audit', '--no-fund']);
if (!isBuilt()) npm('Building', ['run', 'build']);

const child = spawn(join(bin, 'node'), ['--no-warnings', join(root, 'deploy/demo/demo.ts'), ...process.argv.slice(2)], {
  stdio: 'inherit',
  env,
});
// Ctrl-C reaches the child by itself, and it cleans up: we only wait for it. A signal to us alone is passed on.
process.on('SIGINT', () => {});
for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exitCode = code ?? (signal === 'SIGKILL' ? 137 : 143);
});

/** Whether dist/ is newer than all that it is made of. */
function isBuilt() {
  const executable = join(root, 'dist/run-job.js');
  if (!existsSync(executable)) return false;
  const builtAt = statSync(executable).mtimeMs;
  const sources = readdirSync(join(root, 'src'), { recursive: true }).map((name) => join(root, 'src', String(name)));
  return sources.every((file) => statSync(file).mtimeMs <= builtAt);
}

function npm(what, args) {
  console.log(`${what} (npm ${args.join(' ')}) …`);
  const { status, stdout, stderr } = spawnSync('npm', args, { cwd: root, env, encoding: 'utf8' });
  if (status === 0) return;
  console.error(`${stdout}${stderr}`);
  process.exit(1);
}
