// `run-job inject`: copies run-job with its Node into a folder that a container of another image shares.
import { chmodSync, copyFileSync, cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { defineCommand } from 'citty';
import { ConfigError } from '../../errors.ts';
import { makeFolder } from '../../process/make-folder.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { print } from '../terminal/print.ts';

/** Where the image has its init. */
const INIT = '/sbin/tini';

export default defineCommand({
  meta: {
    name: 'inject',
    description: 'Copy run-job, Node and an init into a folder, for a container of another image',
  },
  args: {
    folder: { type: 'positional', required: true, description: 'The folder, such as an emptyDir that both mount' },
  },
  run({ args, data }) {
    const { home } = data as CommandData;
    // Outside of our image there may be none.
    const hasInit = existsSync(INIT);
    try {
      makeFolder(args.folder);
      copyProgram(process.execPath, join(args.folder, 'node'));
      if (hasInit) copyProgram(INIT, join(args.folder, 'tini'));
      cpSync(fileURLToPath(home), join(args.folder, 'dist'), { recursive: true });
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ConfigError(
        `run-job can't be copied to ${args.folder} (${code ?? message}): is it there, writable and large enough (140 MiB)?`,
        {
          cause: error,
        },
      );
    }
    const init = hasInit ? `${join(args.folder, 'tini')} -- ` : '';
    print(`${init}${join(args.folder, 'node')} ${join(args.folder, 'dist/run-job.js')}\n`);
    return EXIT.ok;
  },
});

function copyProgram(from: string, to: string): void {
  copyFileSync(from, to);
  chmodSync(to, 0o755);
}
