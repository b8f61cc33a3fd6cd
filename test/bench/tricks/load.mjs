// Prints the CPU time, in milliseconds, that the main thread takes to load a module.
import { enableCompileCache } from 'node:module';

const [path = ''] = process.argv.slice(2);
enableCompileCache();
const before = process.threadCpuUsage();
await import(path);
const { user, system } = process.threadCpuUsage(before);
process.stdout.write(String((user + system) / 1_000), () => process.exit(0));
