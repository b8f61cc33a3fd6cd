// `npm run build`: src/ to dist/, the bundles and the declarations. The image needs no declarations: --bundles-only.
import { execFileSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { BundleError, bundleAll } from '../../esbuild.config.ts';
import { replaceFolder } from './fresh-folder.ts';
import { pruneTypes } from './prune-types.ts';

function declare(folder: string): void {
  const typescript = dirname(createRequire(import.meta.url).resolve('typescript/package.json'));
  const args = [join(typescript, 'bin/tsc'), '-p', 'tsconfig.build.json', '--outDir', folder];
  execFileSync(process.execPath, args, { stdio: 'inherit' });
  pruneTypes(folder);
}

try {
  await replaceFolder('dist', async (folder) => {
    await bundleAll(folder);
    if (!process.argv.includes('--bundles-only')) declare(join(folder, 'types'));
  });
} catch (error) {
  if (!(error instanceof BundleError)) throw error;
  console.error(error.message);
  process.exitCode = 1;
}
