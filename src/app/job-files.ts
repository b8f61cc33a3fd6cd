// Jobs are found by their files: in the folder of those that ship, then in each of RUN_JOB_DIRS. Nothing is registered.
import { type Dirent, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { ConfigError, UsageError } from '../errors.ts';
import type { Job } from '../job.ts';
import { enableCompileCacheIn } from '../process/compile-cache.ts';
import { importModule } from '../process/import-module.ts';
import { limited } from '../runner/limited.ts';
import { checkJob } from './check-job.ts';
import { resolveOurselves } from './resolve-ourselves.ts';
import { didYouMean } from './suggest.ts';

/** A job's file. */
export interface JobFile {
  readonly name: string;
  readonly path: string;
  /** Whether it came with run-job. */
  readonly shipped: boolean;
}

/** `name.js`, `name.mjs`, `name.ts`, `name.mts`; everything else in the folder (tests, declarations, helpers with other names) is no job. */
const FILE = /^([a-z][a-z0-9_]*)\.(?:js|mjs|ts|mts)$/;
const FOLDER = /^[a-z][a-z0-9_]*$/;
const INDEX = /^index\.(?:js|mjs|ts|mts)$/;

/** Where jobs are looked for. */
export interface JobSearch {
  /** The installation, whose own jobs are in its folder `jobs`. */
  readonly home: URL;
  /** `RUN_JOB_DIRS` */
  readonly dirs: readonly string[];
  /** The names of commands, which no job can have. */
  readonly commands: readonly string[];
}

/**
 * Every job file there is, by name.
 * @throws {ConfigError} a folder can't be read, two files claim one name, or a job is named like a command
 */
export function findJobFiles({ home, dirs, commands }: JobSearch): Map<string, JobFile> {
  const found = new Map<string, JobFile>();
  const shipped = fileURLToPath(new URL('jobs', home));
  for (const [index, dir] of [...new Set([shipped, ...dirs.map((extra) => resolve(extra))])].entries()) {
    for (const file of filesIn(dir, index, shipped)) {
      const twin = found.get(file.name);
      if (twin) {
        throw new ConfigError(
          `Two files claim the job ${file.name}: ${twin.path} and ${file.path}; rename one, and the job in it`,
        );
      }
      if (commands.includes(file.name)) {
        throw new ConfigError(
          `${file.path} is named like the command ${file.name}, so it could never run; rename the file, and the job in it`,
        );
      }
      found.set(file.name, file);
    }
  }
  return found;
}

/** @param index which folder of RUN_JOB_DIRS it is, from 1 */
function filesIn(dir: string, index: number, shipped: string): JobFile[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(dir, { withFileTypes: true });
  } catch (error) {
    // An installation of which somebody has removed the jobs that ship.
    if (dir === shipped && (error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    const { code } = error as NodeJS.ErrnoException;
    // By its place: what somebody has put into the variable by mistake may be a secret.
    const folder = dir === resolve('jobs') ? 'The folder jobs' : `Folder ${index} of RUN_JOB_DIRS`;
    throw new ConfigError(`${folder} can't be read (${code}); mend or remove it`);
  }
  const files: JobFile[] = [];
  for (const entry of entries) {
    const name = FILE.exec(entry.name)?.[1];
    if (name) files.push({ name, path: join(dir, entry.name), shipped: dir === shipped });
    else if (FOLDER.test(entry.name)) {
      const index = namesIn(join(dir, entry.name)).find((item) => INDEX.test(item));
      if (index) files.push({ name: entry.name, path: join(dir, entry.name, index), shipped: dir === shipped });
    }
  }
  return files;
}

/** Nothing where it is no folder, a link that leads nowhere, or closed to us: it is no job, and others are. */
function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

/** What stands in a folder under a name like this, and is no job there. */
function misnamed(name: string, { dirs }: JobSearch, jobs: ReadonlyMap<string, JobFile>): string {
  const plain = (text: string) =>
    text
      .replace(/\.[^.]*$/, '')
      .replaceAll(/[^A-Za-z0-9]/g, '')
      .toLowerCase();
  // One that is a job's under its own name is what the nearest name is for.
  const isJob = (item: string) => jobs.has(item.replace(/\.[^.]*$/, ''));
  for (const dir of dirs) {
    const found = namesIn(dir).find((item) => plain(item) === plain(name) && !isJob(item));
    if (found !== undefined) {
      return `; ${join(dir, found)} is no job's file: name that in snake_case with the ending .ts, .mts, .js or .mjs, or index.ts in a folder.`;
    }
  }
  return '';
}

/**
 * The file of one job.
 * @throws {UsageError} there is no such job
 * @throws {ConfigError} as `findJobFiles`
 */
export function findJobFile(search: JobSearch, name: string): JobFile {
  const files = findJobFiles(search);
  const file = files.get(name);
  if (file) return file;
  const names = [...files.keys()].sort();
  // As a path to its file, or as a flag of run-job's own without its dashes.
  const inFile = FILE.exec(basename(name))?.[1] ?? '';
  const meant = files.has(inFile)
    ? `; did you mean ${inFile}?`
    : misnamed(name, search, files) || didYouMean(name, [...names, ...search.commands, '--version', '--help']);
  throw new UsageError(
    `There is no job or command named ${name}${meant || '.'} ` +
      `Jobs: ${names.join(', ') || 'none'}. Commands: ${search.commands.join(', ')}`,
  );
}

/**
 * The jobs to show to somebody who looks for theirs, by name: not those that came with run-job, unless there are no others. A team that uses
 * none of these would else see them in every list.
 */
export function ownJobs(files: Iterable<JobFile>): JobFile[] {
  const all = [...files].sort((a, b) => (a.name < b.name ? -1 : 1));
  const own = all.filter(({ shipped }) => !shipped);
  return own.length > 0 ? own : all;
}

/** How long a module may take to load, with all that it awaits at its top level. */
const LOAD_LIMIT_MS = 30_000;

/**
 * Loads a job's module.
 * @throws {ConfigError} the file can't be loaded, has no job as its default export, or the job has another name
 */
export async function loadJob(home: URL, file: JobFile): Promise<Job> {
  // The jobs that ship are bundled: they import nothing.
  if (!file.path.startsWith(fileURLToPath(home))) resolveOurselves(home);
  enableCompileCacheIn(fileURLToPath(home));
  let module: { default?: unknown };
  try {
    // The timer doesn't keep the process alive: a module that waits for what can never come is a crash, and seen at once.
    module = await limited(
      'loading it, with all that it awaits outside run(),',
      LOAD_LIMIT_MS,
      importModule(pathToFileURL(file.path).href) as Promise<{ default?: unknown }>,
      {
        keepAlive: false,
      },
    );
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${file.path} can't be loaded: ${message}${moduleRemedy(file.path, error)}`, {
      cause: error,
    });
  }
  return checkJob(module.default, file);
}

/** What to do where Node takes an ES module for CommonJS, as in a project that `npm init` has made. */
function moduleRemedy(path: string, error: unknown): string {
  const [, ending] = /\.(ts|js)$/.exec(path) ?? [];
  const misread =
    error instanceof SyntaxError && /outside a module|Unexpected token 'export'|'import.meta'/.test(error.message);
  if (ending === undefined || !misread) return '';
  return `; its project's package.json doesn't say "type": "module": rename the file to ${basename(path, ending)}m${ending}, or say so there`;
}
