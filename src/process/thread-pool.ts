// How many threads libuv has for what the system can only do by blocking one: files, and names that are looked up.
import { access } from 'node:fs';

const SIZE = 'UV_THREADPOOL_SIZE';

/**
 * Makes 16 of them where somebody watches the run, before anything else needs one. Half of them at most look up names: of libuv's own four
 * these are two, and a name that nobody answers for holds one until the resolver gives up, which takes it 10 s and more. Two services that are
 * only told of the run would keep the job's own names from it. Who sets UV_THREADPOOL_SIZE has his own number.
 */
export function widenThreadPool(env: NodeJS.ProcessEnv): void {
  if (env[SIZE] || !/RUN_JOB_(CHECKINS|NOTIFY)|OTEL_/.test(`${Object.keys(env)}`)) return;
  env[SIZE] = '16';
  // The variable is read when the first thread is needed, and never again; programs aren't told of it.
  access('/', () => undefined);
  delete env[SIZE];
}
