// `run-job help <name>`: how the help describes it; `main` shows what `run-job <name> --help` does.
import { defineCommand } from 'citty';

export default defineCommand({
  meta: { name: 'help', description: 'Show the help of a job or a command, as --help does' },
  args: { name: { type: 'positional', required: false, description: 'The job or command' } },
});
