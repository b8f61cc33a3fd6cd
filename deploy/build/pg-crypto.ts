// Gives node-postgres src/postgres/pg-crypto.ts, which says why, in place of its own `crypto/utils`.
import { createRequire } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Applied, type Patch } from './patch.ts';

const NAME = 'pg-on-node-crypto';
const REPLACEMENT = 'src/postgres/pg-crypto.ts';

/** Who asks for it, by what name. */
const ASKED = [
  { importer: 'pg/lib/client.js', path: './crypto/utils' },
  { importer: 'pg/lib/crypto/sasl.js', path: './utils' },
];
const LOOK = `see what it uses for a login now, then deploy/build/pg-crypto.ts and ${REPLACEMENT}`;

/** Replaces `pg/lib/crypto/utils.js`. */
export function pgOnNodeCrypto(): Patch {
  const applied = new Applied();
  const tell = ({ importer, path }: (typeof ASKED)[number]) => `require('${path}') in ${importer}`;
  return {
    plugin: {
      name: NAME,
      setup({ onResolve }) {
        onResolve({ filter: /^\.\/(?:crypto\/)?utils$/ }, ({ path, importer }) => {
          const asked = ASKED.find((each) => each.path === path && importer.endsWith(`/${each.importer}`));
          if (!asked) return undefined;
          applied.add(tell(asked));
          return { path: resolve(REPLACEMENT) };
        });
      },
    },
    problems: async ({ inputs }) => [
      ...applied.missing(NAME, Object.fromEntries(ASKED.map((each) => [tell(each), LOOK]))),
      ...Object.keys(inputs)
        .filter((file) => /\/pg\/lib\/crypto\/utils/.test(file))
        .map((file) => `${NAME}: ${file} is in a bundle, and should be replaced: ${LOOK}`),
      ...(await lacking()),
    ],
  };
}

/** What the module to be replaced exports and the replacement doesn't, which would only be noticed at a login. */
async function lacking(): Promise<string[]> {
  const require = createRequire(resolve('package.json'));
  const original = exportsOf(() => require('pg/lib/crypto/utils.js'));
  const replacement = (await import(pathToFileURL(resolve(REPLACEMENT)).href)) as object;
  return original
    .filter((name) => !(name in replacement))
    .map((name) => `${NAME}: pg/lib/crypto/utils.js exports ${name}, and ${REPLACEMENT} doesn't: write it there`);
}

/** None where there is no such module: then nobody can have asked for it, which is told already. */
function exportsOf(load: () => object): string[] {
  try {
    return Object.keys(load());
  } catch {
    return [];
  }
}
