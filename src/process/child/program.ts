// Finds the program that is to be run, and says in one sentence why it can't be: what the system reports is ENOENT for four different things.
import { accessSync, closeSync, constants, openSync, readSync, type Stats, statSync } from 'node:fs';
import { delimiter, isAbsolute, resolve } from 'node:path';
import { ConfigError } from '../../errors.ts';

/** What ELF calls the machines that Node runs on. */
const ELF_MACHINES: Record<number, string> = {
  3: 'ia32',
  8: 'mips',
  21: 'ppc64',
  22: 's390x',
  40: 'arm',
  62: 'x64',
  183: 'arm64',
  243: 'riscv64',
};
const HEAD_BYTES = 4096;
/** The header of a 32-bit ELF file. A shell would take what is no program for a script, as execvp(3) does. */
const SHORTEST_ELF = 52;
/** How macOS's programs begin, those of several machines apart, which begin as Java's classes do. */
const MAC_HEADS: readonly string[] = ['cffaedfe', 'cefaedfe'];

/**
 * The path of the program, as execvp(3) would find it. A name with a slash is a path, from `cwd`.
 * @throws {ConfigError} it isn't there, is a folder, isn't executable, was built for another machine, or its interpreter is missing
 */
export function findProgram(program: string, path: string | undefined, cwd: string): string {
  checkFolder(cwd);
  if (program === '') throw new ConfigError('The program to run is an empty text: name one after --');
  if (program.includes('/')) {
    const file = resolve(cwd, program);
    checkFile(program, file, cwd);
    return isAbsolute(program) ? program : file;
  }
  let refused: unknown;
  for (const folder of (path ?? '').split(delimiter)) {
    // Most folders are absolute, and Node takes longer to resolve these than to look.
    const file = folder.startsWith('/') ? `${folder.replace(/\/$/, '')}/${program}` : resolve(cwd, folder, program);
    try {
      // Most folders don't have it, and an error for each would cost more than the look.
      if (isMissing(file)) continue;
      checkFile(program, file, cwd);
      return file;
    } catch (error) {
      // As execvp(3): what can't be run is passed over while another folder may have it.
      if (!(error as { missing?: boolean }).missing) refused ??= error;
    }
  }
  if (refused) throw refused;
  if (/\s/.test(program)) {
    throw new ConfigError(
      `There is no program "${program}": there is no shell in between, so give the program and each argument by itself`,
    );
  }
  throw new ConfigError(
    `There is no program ${program} in PATH (${path || `which is ${path === undefined ? 'not set' : 'empty'}`}): install it in the image, or give its path`,
  );
}

const isMissing = (file: string): boolean => statSync(file, { throwIfNoEntry: false }) === undefined;

/** Where this process works. @throws {ConfigError} somebody has removed it */
export function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    throw new ConfigError('The working directory is gone: change to a folder that is there');
  }
}

function checkFolder(cwd: string): void {
  try {
    if (statSync(cwd).isDirectory()) return;
  } catch {
    // Told below.
  }
  throw new ConfigError(`The working directory ${cwd} is no folder: create it, or name another`);
}

function checkFile(program: string, file: string, cwd: string): void {
  let stats: Stats;
  try {
    stats = statSync(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const why = missing ? `There is no file ${file}` : `${file} can't be looked at (${code})`;
    throw Object.assign(new ConfigError(`${why}, so that ${program} can't be run: mend the path`), { missing });
  }
  if (stats.isDirectory()) throw new ConfigError(`${file} is a folder and no program: name a file in it`);
  if (!stats.isFile()) throw new ConfigError(`${file} is a pipe, a socket or a device and no program: name a file`);
  if (!isExecutable(file)) {
    throw new ConfigError(`${file} is not executable for this user: chmod +x it, or run it by its interpreter`);
  }
  checkHead(file, cwd);
}

/** Looks at what the kernel would look at. A file that can't be read can still be run, and is left to the kernel. */
function checkHead(file: string, cwd: string): void {
  const head = readHead(file);
  if (!head) return;
  if (head.length === 0) throw new ConfigError(`${file} is empty: there is nothing to run`);
  if (head.subarray(0, 4).equals(Buffer.from('\x7fELF', 'latin1'))) checkElf(file, head);
  if (process.platform === 'linux' && MAC_HEADS.includes(head.toString('hex', 0, 4))) {
    throw new ConfigError(`${file} was built for macOS and this machine runs Linux: take the right build`);
  }
  if (head.subarray(0, 2).toString('latin1') === '#!') checkInterpreter(file, head, cwd);
  if (head.subarray(0, 5).equals(Buffer.from('\ufeff#!'))) {
    throw new ConfigError(
      `${file} begins with a byte order mark, behind which nobody sees its #!: save it as UTF-8 without one`,
    );
  }
}

function checkInterpreter(file: string, head: Buffer, cwd: string): void {
  const line = head.subarray(2).toString('utf8').split('\n', 1)[0] ?? '';
  const interpreter = line.trim().split(/[ \t]/, 1)[0] ?? '';
  if (line.endsWith('\r')) {
    throw new ConfigError(`The first line of ${file} ends with a carriage return: save it with Unix line endings`);
  }
  if (interpreter === '') {
    throw new ConfigError(`The first line of ${file} names no interpreter: write it behind #!, such as #!/bin/sh`);
  }
  // The kernel reads a relative path from where the program works.
  const path = resolve(cwd, interpreter);
  if (!isThere(path)) {
    throw new ConfigError(`${file} is run by ${interpreter}, which isn't there: install it, or mend its first line`);
  }
  if (!isExecutable(path)) {
    throw new ConfigError(
      `${file} is run by ${interpreter}, which is not executable for this user: mend its first line, or chmod +x that`,
    );
  }
}

function checkElf(file: string, head: Buffer): void {
  if (head.length < SHORTEST_ELF) {
    throw new ConfigError(`${file} ends in its header: it wasn't copied whole`);
  }
  const big = head[5] === 2;
  const read16 = (at: number) => (big ? head.readUInt16BE(at) : head.readUInt16LE(at));
  const machine = ELF_MACHINES[read16(18)] ?? `machine ${read16(18)}`;
  // A 64-bit kernel may run 32-bit programs of its own kind.
  const kin = { x64: 'ia32', arm64: 'arm' }[process.arch as string];
  if (machine !== process.arch && machine !== kin) {
    throw new ConfigError(`${file} was built for ${machine} and this machine is ${process.arch}: take the right build`);
  }
  const loader = elfLoader(head);
  if (loader !== undefined && !isThere(loader)) {
    throw new ConfigError(
      `${file} is loaded by ${loader}, which isn't there: it was built for another C library (glibc, musl) than this image has`,
    );
  }
}

/** The dynamic loader that a 64-bit little-endian ELF file asks for (PT_INTERP), where the head of the file tells it. */
function elfLoader(head: Buffer): string | undefined {
  const PT_INTERP = 3;
  if (head.length < 64 || head[4] !== 2 || head[5] !== 1) return undefined;
  const table = Number(head.readBigUInt64LE(32));
  const size = head.readUInt16LE(54);
  const count = head.readUInt16LE(56);
  for (let at = table; at < table + count * size && at + 56 <= head.length; at += size) {
    if (head.readUInt32LE(at) !== PT_INTERP) continue;
    const from = Number(head.readBigUInt64LE(at + 8));
    const to = from + Number(head.readBigUInt64LE(at + 32));
    return to <= head.length ? head.subarray(from, to).toString('latin1').replace(/\0.*$/, '') : undefined;
  }
  return undefined;
}

/** Whether this user may run the file. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

function isThere(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

function readHead(file: string): Buffer | undefined {
  try {
    const fd = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const head = Buffer.alloc(HEAD_BYTES);
      return head.subarray(0, readSync(fd, head, 0, HEAD_BYTES, 0));
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}
