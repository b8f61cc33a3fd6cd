// Imports of Node's own modules become `process.getBuiltinModule`. An import statement would make Node evaluate every lazy export
// of the module first (`node:crypto` loads WebCrypto that way), at a start that is to cost 25 ms in all.
import { isBuiltin } from 'node:module';
import { Applied, type Patch } from './patch.ts';

const NAME = 'builtins-without-facade';

/** How a facade of Node's gets into a bundle. A CommonJS require() has none. */
const FACADES = ['import-statement', 'dynamic-import'];

/** Replaces `import … from 'node:…'`. */
export function builtinsWithoutFacade(): Patch {
  const applied = new Applied();
  return {
    plugin: {
      name: NAME,
      setup({ onResolve, onLoad }) {
        onResolve({ filter: /^node:/ }, ({ path, kind }) => {
          // A CommonJS dependency wants the module itself, which may be a class (`node:events`): the banner's require() gives it that.
          if (kind === 'require-call') return { path, external: true };
          applied.add('an import of node:…');
          return { path, namespace: 'builtin', sideEffects: false };
        });
        onLoad({ filter: /.*/, namespace: 'builtin' }, ({ path }) => {
          const names = Object.keys(process.getBuiltinModule(path) ?? {}).filter((name) => name !== 'default');
          const exports = names.map((name) => `export const ${name} = /* @__PURE__ */ $get('${name}');`);
          // With a $, since `get` is an export of node:http. Pure, so that only what is imported stays.
          const head = `const $all = /* @__PURE__ */ process.getBuiltinModule('${path}'); const $get = (name) => $all[name];`;
          return { contents: [head, 'export default $all;', ...exports].join('\n'), loader: 'js' };
        });
      },
    },
    problems: ({ inputs }) => [
      ...applied.missing(NAME, { 'an import of node:…': 'see deploy/build/builtins.ts' }),
      ...Object.entries(inputs).flatMap(([file, { imports }]) =>
        imports
          .filter(({ path, kind, external }) => external && isBuiltin(path) && FACADES.includes(kind))
          .map(
            ({ path }) => `${NAME}: ${file} still imports ${path}: write node:${path}, or see deploy/build/builtins.ts`,
          ),
      ),
    ],
  };
}
