// `run-job completion`: prints a shell's completion script, which asks run-job itself for the words that fit.
import { defineCommand } from 'citty';
import { UsageError } from '../../errors.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { COMPLETION_SCRIPTS } from '../terminal/completion-scripts.ts';
import { print } from '../terminal/print.ts';
import { completionsFor } from './completion-words.ts';

const SHELLS = Object.keys(COMPLETION_SCRIPTS);

export default defineCommand({
  meta: { name: 'completion', description: 'Print the completion script of a shell: bash, zsh or fish' },
  args: {
    shell: { type: 'positional', required: true, description: 'bash, zsh or fish' },
    words: {
      type: 'string',
      valueHint: 'lines',
      description: 'Complete the last of these words, one a line, in place of the script; for the scripts',
    },
  },
  async run({ args: { shell, words }, data }) {
    const script = COMPLETION_SCRIPTS[shell];
    if (script === undefined)
      throw new UsageError(`There is no completion for ${shell}; there is for ${SHELLS.join(', ')}`);
    if (words === undefined) print(script);
    else for (const word of await completionsFor(words.split('\n'), data as CommandData)) print(`${word}\n`);
    return EXIT.ok;
  },
});
