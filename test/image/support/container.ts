// Runs a container as a restricted pod would: runc, the image's own user, a read-only root, no capabilities, processes of its own.
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { type Result, run } from '../../../deploy/tools/command.ts';

/** How a container differs from the usual. */
export interface Options {
  readonly env?: Record<string, string>;
  readonly uid?: number;
  /** Files and folders of the host that it sees: where to, where from. */
  readonly mounts?: Record<string, string>;
}

/** What runc takes to run `args`: a bundle in `folder`, which is removed with it. */
function command(
  rootfs: string,
  folder: string,
  args: readonly string[],
  { env = {}, uid = 65532, mounts = {} }: Options,
): string[] {
  const bundle = mkdtempSync(join(folder, 'bundle-'));
  const bind = (destination: string, source: string) => ({
    destination,
    source,
    type: 'bind',
    options: ['bind', 'rw'],
  });
  const config = {
    ociVersion: '1.0.2',
    process: {
      user: { uid, gid: 65532 },
      args,
      env: Object.entries({ PATH: '/nodejs/bin', ...env }).map(([name, value]) => `${name}=${value}`),
      cwd: '/app',
      noNewPrivileges: true,
      capabilities: { bounding: [], effective: [], permitted: [], inheritable: [], ambient: [] },
    },
    root: { path: rootfs, readonly: true },
    mounts: [
      { destination: '/proc', type: 'proc', source: 'proc' },
      { destination: '/dev', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'mode=755'] },
      { destination: '/tmp', type: 'tmpfs', source: 'tmpfs', options: ['nosuid', 'nodev', 'mode=1777'] },
      ...Object.entries(mounts).map(([destination, source]) => bind(destination, source)),
    ],
    linux: { namespaces: ['pid', 'mount', 'ipc', 'uts'].map((type) => ({ type })) },
  };
  writeFileSync(join(bundle, 'config.json'), JSON.stringify(config));
  return ['--root', join(folder, 'runc'), 'run', '--bundle', bundle, `run-job-${process.pid}-${bundle.slice(-6)}`];
}

/** Runs `args` to their end. The exit code is that of process 1. */
export function runContainer(rootfs: string, folder: string, args: readonly string[], options: Options = {}): Result {
  return run('runc', command(rootfs, folder, args, options));
}

/** Starts `args`; a signal to the process is one to process 1, and its exit code that of process 1. */
export function startContainer(
  rootfs: string,
  folder: string,
  args: readonly string[],
  options: Options = {},
): ChildProcessByStdio<null, Readable, null> {
  return spawn('runc', command(rootfs, folder, args, options), { stdio: ['ignore', 'pipe', 'ignore'] });
}
