// `run-job new`: writes a job and its test, which run and pass as they are.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { defineCommand } from 'citty';
import { readConfig } from '../../app/config.ts';
import { findJobFiles, type JobSearch } from '../../app/job-files.ts';
import { ConfigError, UsageError } from '../../errors.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { print } from '../terminal/print.ts';
import { jobTemplate, testTemplate, tsconfigTemplate } from './new-templates.ts';

const NAME = /^[a-z][a-z0-9]*(_[a-z0-9]+)*$/;

/** As the name of a run. */
const MOST = 100;

export default defineCommand({
  meta: { name: 'new', description: 'Write a job and its test into jobs/, or the first folder of RUN_JOB_DIRS' },
  args: { name: { type: 'positional', required: true, description: 'The job, in snake_case' } },
  run({ args: { name }, data }) {
    const { home, env, commands } = data as CommandData;
    const { config } = readConfig(env);
    const folder = config.jobDirs[0] ?? 'jobs';
    checkName(name, jobSearch({ home, commands }, config));
    const project = readProject();
    const runner = 'vitest' in project.packages ? 'vitest' : 'node';
    // What says that it is an ES module by its name needs nothing in package.json, where `npm init` writes "commonjs".
    const extension = project.type === 'module' ? 'ts' : 'mts';
    const files = [
      { path: join(folder, `${name}.${extension}`), text: jobTemplate(name) },
      { path: join(folder, `${name}.test.${extension}`), text: testTemplate(name, extension, runner) },
    ];
    const taken = files.find(({ path }) => existsSync(path));
    if (taken) throw new UsageError(`${taken.path} is there already; choose another name, or remove it`);
    write(folder, files);

    // Where Node itself came by npm, the one in PATH may be too old.
    const node = 'node' in project.packages ? 'npx node' : 'node';
    const missing = ['run-job', 'valibot'].filter((dep) => !(dep in project.packages) && dep !== project.name);
    print(`${files.map(({ path }) => `wrote ${path}\n`).join('')}\n`);
    print(
      [
        'Now type',
        ...(missing.length > 0 ? [`  npm install ${missing.join(' ')}`] : []),
        `  npx run-job ${name} --param to=Ada`,
        runner === 'vitest' ? `  npx vitest run ${folder}` : `  ${node} --test '${folder}/*.test.${extension}'`,
        // Node runs it whatever its types say.
        'typescript' in project.packages
          ? '  npx tsc'
          : '  npm install --save-dev typescript && npx tsc   # checks the types',
      ]
        .map((line) => `${line}\n`)
        .join(''),
    );
    return EXIT.ok;
  },
});

interface NewFile {
  readonly path: string;
  readonly text: string;
}

/**
 * Writes the files, and a tsconfig.json where there is none.
 * @throws {ConfigError} nothing can be written there
 */
function write(folder: string, files: NewFile[]): void {
  try {
    if (!hasTsconfig()) files.push({ path: 'tsconfig.json', text: tsconfigTemplate(folder) });
    makeFolder(folder);
    // wx: what somebody else has written in the meantime isn't overwritten either.
    for (const { path, text } of files) writeFileSync(path, text, { flag: 'wx' });
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new ConfigError(
      `${folder} can't be written to (${code ?? message}): is it a folder of yours, with room in it?`,
      {
        cause: error,
      },
    );
  }
}

/** @throws {UsageError} the name can't be a job's, or is one's already */
function checkName(name: string, search: JobSearch): void {
  if (name.length > MOST)
    throw new UsageError(`A job's name has at most ${MOST} characters, and this has ${name.length}`);
  if (!NAME.test(name)) {
    const suggestion = toSnakeCase(name);
    throw new UsageError(
      `A job's name is snake_case, as in database_cleanup${NAME.test(suggestion) ? `; did you mean ${suggestion}?` : ''}`,
    );
  }
  if (search.commands.includes(name))
    throw new UsageError(`${name} is a command of run-job, so no job can have its name; choose another`);
  const twin = findJobFiles(search).get(name);
  if (twin) throw new UsageError(`There is a job named ${name} already, in ${twin.path}; choose another name`);
}

/** `SendReport2`, `send-report` and `send report` are all `send_report`. */
function toSnakeCase(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^[_0-9]+|_+$/g, '');
}

/** Whether the working directory, or a folder that it lies in, says how its TypeScript is compiled. */
function hasTsconfig(): boolean {
  for (let folder = resolve('.'); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'tsconfig.json'))) return true;
    if (dirname(folder) === folder) return false;
  }
}

interface Project {
  readonly name: string | undefined;
  readonly type: string | undefined;
  /** What package.json depends on, in whatever way. */
  readonly packages: Readonly<Record<string, unknown>>;
}

/** The package.json of the working directory; a folder without one is a project without dependencies. */
function readProject(): Project {
  let json: Record<string, unknown> = {};
  try {
    // Of null, as of what is no object, nothing can be taken.
    json = Object(JSON.parse(readFileSync('package.json', 'utf8'))) as Record<string, unknown>;
  } catch {
    // No package.json, or one that isn't JSON: npm says so better than we.
  }
  return {
    name: json.name as string | undefined,
    type: json.type as string | undefined,
    packages: {
      ...(json.dependencies as object),
      ...(json.devDependencies as object),
      ...(json.peerDependencies as object),
    },
  };
}
