// Builds the Dockerfile where there is no Docker engine and no registry: buildah with stand-ins for the two base images, made of this
// machine's own Node and libraries, under the base images' names.
import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { run } from '../../../deploy/tools/command.ts';
import { findProgram } from '../../support/install.ts';

const NODE = realpathSync('node_modules/node/bin/node');
/** Debian's own; another may be anywhere, with its libraries. */
const PYTHON = '/usr/bin/python3';
const PROGRAMS = ['buildah', 'runc', 'tini-static', 'npm', 'ldd', 'tar'];

/** Why an image with Python can't be made here, or undefined. */
export const noPythonImage: string | undefined = existsSync(PYTHON)
  ? undefined
  : `NOT CHECKED here: an image with Python. There is no ${PYTHON}`;

/** Why the image can't be built here, or undefined. */
export const noImage: string | undefined = (() => {
  const missing = PROGRAMS.filter((name) => !findProgram(name));
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    return 'NOT CHECKED here: the image. It takes root on Linux';
  return missing.length > 0 ? `NOT CHECKED here: the image. ${missing.join(', ')} missing: npm run tools` : undefined;
})();
if (noImage) console.warn(noImage);

function must(command: string, args: readonly string[]): string {
  const { code, stdout, stderr } = run(command, args);
  if (code !== 0) throw new Error(`${command} ${args.join(' ')} ended with ${code}:\n${stdout}${stderr}`);
  return stdout.trim();
}

/** The shared libraries that a program loads, its loader included. */
function libraries(program: string): string[] {
  return [...must('ldd', [program]).matchAll(/(?:=> )?(\/\S+) \(0x/g)].map(([, path]) => path ?? '');
}

function install(root: string, source: string, target = source): void {
  mkdirSync(join(root, dirname(target)), { recursive: true });
  copyFileSync(realpathSync(source), join(root, target));
}

function withLibraries(root: string, source: string, target = source): void {
  install(root, source, target);
  for (const library of libraries(realpathSync(source))) install(root, library);
}

/** This machine's own list, since it may reach the registry through a proxy whose certificate only it knows. */
const CERTIFICATES = '/etc/ssl/certs/ca-certificates.crt';

const USERS = 'root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n';

/** What the distroless image has: Node, its libraries and two users. */
function distroless(root: string): void {
  withLibraries(root, NODE, '/nodejs/bin/node');
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), USERS);
  for (const folder of ['tmp', 'proc', 'sys', 'dev']) mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
}

/** What the Dockerfile uses of the official Node image: a shell, Node, npm, and an apt-get that has installed tini already. */
function builder(root: string): void {
  distroless(root);
  for (const program of ['sh', 'env']) withLibraries(root, findProgram(program) ?? program, `/bin/${program}`);
  mkdirSync(join(root, 'usr/bin'), { recursive: true });
  mkdirSync(join(root, 'usr/local/bin'), { recursive: true });
  symlinkSync('/bin/env', join(root, 'usr/bin/env'));
  symlinkSync('/nodejs/bin/node', join(root, 'usr/local/bin/node'));
  const npm = dirname(dirname(realpathSync(findProgram('npm') ?? 'npm')));
  cpSync(npm, join(root, 'usr/local/lib/node_modules/npm'), { recursive: true });
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(root, 'usr/local/bin/npm'));
  install(root, findProgram('tini-static') ?? 'tini-static', '/usr/bin/tini-static');
  writeFileSync(join(root, 'usr/bin/apt-get'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  if (existsSync(CERTIFICATES)) install(root, CERTIFICATES);
}

/** Debian with Python, as `python:3-slim` is: a shell, its tools and an interpreter, and no Node. */
function python(root: string): void {
  for (const program of ['sh', 'cat', 'sleep', 'grep'])
    withLibraries(root, findProgram(program) ?? program, `/bin/${program}`);
  for (const library of libraries(NODE)) install(root, library);
  withLibraries(root, PYTHON, '/usr/bin/python3');
  const version = /python(3\.\d+)$/.exec(realpathSync(PYTHON))?.[1] ?? '3';
  const source = `/usr/lib/python${version}`;
  cpSync(source, join(root, source), {
    recursive: true,
    filter: (path) => !/\/(?:test|dist-packages|idlelib|__pycache__)$/.test(path),
  });
  for (const extension of globSync(join(root, source, 'lib-dynload/*.so'))) {
    for (const library of libraries(extension)) install(root, library);
  }
  mkdirSync(join(root, 'etc'), { recursive: true });
  writeFileSync(join(root, 'etc/passwd'), USERS);
  for (const folder of ['tmp', 'proc', 'sys', 'dev', 'app', 'run-job', 'srv'])
    mkdirSync(join(root, folder), { recursive: true });
  chmodSync(join(root, 'tmp'), 0o1777);
}

/** A store of images of its own, which `Symbol.dispose` removes. */
export class Images {
  readonly folder = mkdtempSync(join(tmpdir(), 'run-job-images-'));
  readonly #store: string[];

  constructor() {
    const at = (driver: string) => [
      '--root',
      join(this.folder, 'store'),
      '--runroot',
      join(this.folder, 'run'),
      '--storage-driver',
      driver,
    ];
    // Overlay needs a kernel and a file system that have it; vfs copies every layer, and works anywhere.
    this.#store = run('buildah', [...at('overlay'), 'images']).code === 0 ? at('overlay') : at('vfs');
  }

  #buildah(...args: string[]): string {
    return must('buildah', [...this.#store, ...args]);
  }

  #standIn(name: string, fill: (root: string) => void): void {
    const root = join(this.folder, 'rootfs');
    fill(root);
    const container = this.#buildah('from', 'scratch');
    this.#buildah('add', '-q', container, root, '/');
    const env = [
      'PATH=/usr/local/bin:/usr/bin:/bin',
      ...(existsSync(join(root, CERTIFICATES)) ? [`npm_config_cafile=${CERTIFICATES}`] : []),
    ];
    this.#buildah('config', ...env.flatMap((variable) => ['--env', variable]), container);
    this.#buildah('commit', '-q', '--rm', container, name);
    rmSync(root, { recursive: true });
  }

  /** Builds the Dockerfile; returns the image's name. */
  build(): string {
    this.#standIn('docker.io/library/node:24-trixie-slim', builder);
    this.#standIn('gcr.io/distroless/nodejs24-debian13:nonroot', distroless);
    const name = 'localhost/run-job:test';
    this.#buildah('bud', '-q', '--isolation', 'chroot', '--pull-never', '--format', 'oci', '-t', name, resolve('.'));
    return name;
  }

  /** The image of a language that examples/any-program begins with. */
  python(name: string): void {
    this.#standIn(name, python);
  }

  /** Builds the Dockerfile in `folder`, which begins with `from`: this image, under the name that it has when it is published. */
  buildOn(image: string, from: string, folder: string): string {
    this.#buildah('tag', image, from);
    const name = 'localhost/on-run-job:test';
    this.#buildah('bud', '-q', '--isolation', 'chroot', '--pull-never', '--format', 'oci', '-t', name, resolve(folder));
    return name;
  }

  /** The image's configuration as the OCI has it. */
  // biome-ignore lint/suspicious/noExplicitAny: the OCI's own type, looked at field by field
  config(name: string): any {
    return JSON.parse(this.#buildah('inspect', '--type', 'image', name)).OCIv1;
  }

  /** The image's file system, unpacked; it is gone with the store. */
  rootfs(name: string): string {
    return this.#buildah('mount', this.#buildah('from', '--pull-never', name));
  }

  [Symbol.dispose](): void {
    run('buildah', [...this.#store, 'rm', '--all']);
    // With overlay, buildah mounts its folder on itself, and leaves it so.
    run('umount', [join(this.folder, 'store/overlay')]);
    rmSync(this.folder, { recursive: true, force: true });
  }
}
