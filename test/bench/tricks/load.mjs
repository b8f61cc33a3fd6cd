// Prints the CPU time, in milliseconds, that the main thread takes to load a script of the executable's.
import { basename, dirname } from 'node:path';
import { createLoad } from '../../../src/process/load-script.ts';

const [path = ''] = process.argv.slice(2);
const load = createLoad(dirname(dirname(path)));
const before = process.threadCpuUsage();
load(`./${basename(path)}`);
const { user, system } = process.threadCpuUsage(before);
process.stdout.write(String((user + system) / 1_000), () => process.exit(0));
