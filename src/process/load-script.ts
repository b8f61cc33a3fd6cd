// Loads the scripts in `lazy/` that the executable is made of, with the code that V8 has made of them at the build. Node's own compile cache
// is made before any function has been called, so that each run compiles anew what it calls; here every function is in it.
import { readFileSync } from 'node:fs';
import { constants, Script } from 'node:vm';
import { CODE_CACHE_END } from './code-cache.ts';
import { enableCompileCacheIn } from './compile-cache.ts';

/** Loads a script of the executable's by its path from `lazy/`, such as `./start.cjs`, or a module of Node's by its name. Each is loaded once. */
export type Load = (path: string) => unknown;

/**
 * What loads scripts for the executable in the folder `home`, and is their own `require`. A script that there is no code for, or whose code
 * V8 refuses, is loaded by Node.
 */
export function createLoad(home: string): Load {
  const folder = `${home}/lazy`;
  const loaded = new Map<string, object>();
  const load: Load = (path) => {
    if (!path.startsWith('./')) return process.getBuiltinModule(path);
    const name = path.slice(2);
    const known = loaded.get(name);
    if (known) return known;
    const file = `${folder}/${name}`;
    const script = withCode(file, `${home}/code-cache/${name}.bin`);
    if (!script) return loadByNode(home, file);
    const module = { exports: {} };
    script.runInThisContext()(module.exports, load, module, file, folder);
    // Only now: half of a script that throws is nobody's. None asks for another before it has run.
    loaded.set(name, module.exports);
    return module.exports;
  };
  return load;
}

/** The script, if the code was made from this very source by this very Node. */
function withCode(file: string, codeFile: string): Script | undefined {
  let cache: Buffer;
  try {
    cache = readFileSync(codeFile);
  } catch {
    return undefined;
  }
  const source = readFileSync(file);
  const end = cache.length - CODE_CACHE_END.length;
  const sourceAt = end - source.length;
  if (sourceAt <= 0 || cache.toString('latin1', end) !== CODE_CACHE_END) return undefined;
  if (!source.equals(cache.subarray(sourceAt, end))) return undefined;
  const script = new Script(source.toString('latin1'), {
    filename: file,
    cachedData: cache.subarray(0, sourceAt),
    importModuleDynamically: constants.USE_MAIN_CONTEXT_DEFAULT_LOADER,
  });
  return script.cachedDataRejected ? undefined : script;
}

function loadByNode(home: string, file: string): unknown {
  enableCompileCacheIn(home);
  return process.getBuiltinModule('node:module').createRequire(file)(file);
}
