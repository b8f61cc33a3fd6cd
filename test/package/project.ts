// An empty TypeScript project with run-job installed from the tarball that npm would publish.
import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { inject } from 'vitest';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** What a command said, and how it ended. */
export interface Said {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A project in a folder of its own. */
export interface Project {
  readonly folder: string;
  write(path: string, text: string): void;
  /** Runs a program, with this project's node_modules/.bin and our Node first in PATH. */
  run(program: string, args: readonly string[], env?: Readonly<Record<string, string>>): Promise<Said>;
}

/** Packs run-job as `npm publish` would; returns the tarball's path. */
export async function pack(): Promise<string> {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'pack-'));
  const { stdout, stderr, exitCode } = await execute(ROOT, 'npm', [
    'pack',
    '--silent',
    '--ignore-scripts',
    '--pack-destination',
    folder,
  ]);
  if (exitCode !== 0) throw new Error(`npm pack failed: ${stderr}`);
  return join(folder, stdout.trim());
}

/**
 * Makes the project, and installs the tarball with npm, which takes the little that run-job asks for from its cache or the registry.
 * The compiler and vitest, tools of the project's own, are linked from this repository where package.json names no others.
 */
export async function createProject(tarball: string, packageJson: object = {}): Promise<Project> {
  const folder = mkdtempSync(join(inject('scratchFolder'), 'project-'));
  const write = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  };
  write('package.json', JSON.stringify({ name: 'own', private: true, ...packageJson }));
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts', '--engine-strict=false'];
  const installed = await execute(folder, 'npm', ['install', ...flags, tarball]);
  if (installed.exitCode !== 0) throw new Error(`npm install failed: ${installed.stderr}`);
  for (const name of ['typescript', 'vitest']) {
    const own = join(folder, 'node_modules', name);
    if (!existsSync(own)) symlinkSync(join(ROOT, 'node_modules', name), own);
  }
  return { folder, write, run: (program, args, env) => execute(folder, program, args, env) };
}

function execute(
  cwd: string,
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Said> {
  const path = [
    join(cwd, 'node_modules/.bin'),
    dirname(process.execPath),
    join(ROOT, 'node_modules/.bin'),
    process.env.PATH,
  ];
  return new Promise((resolve) => {
    // npm's own settings of this machine stay; what the test runner set for itself doesn't.
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|NODE_ENV|NODE_OPTIONS|DATABASE_URL|TEST$)/.test(name),
    );
    const options = {
      cwd,
      env: {
        ...Object.fromEntries(inherited),
        NO_COLOR: '1',
        npm_config_loglevel: 'error',
        PATH: path.join(':'),
        ...env,
      },
    };
    execFile(program, args, options, (error, stdout, stderr) =>
      resolve({ exitCode: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}
