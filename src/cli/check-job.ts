// Whether what a file exports is a job that can be run.
import { ConfigError } from '../errors.ts';
import { isJob, type Job } from '../job.ts';
import { parseDuration } from '../runner/duration.ts';

/**
 * The job, if it is one, under the name of its file.
 * @throws {ConfigError} it isn't a job, has another name, no run function, or a timeout that is no duration
 */
export function checkJob(value: unknown, { name, path }: { name: string; path: string }): Job {
  if (!isJob(value)) {
    throw new ConfigError(
      `${path} has no job as its default export; write export default defineJob({ name: '${name}', … })`,
    );
  }
  if (value.name !== name) {
    throw new ConfigError(`${path} defines a job named ${value.name}; name the job and its file the same`);
  }
  if (typeof value.run !== 'function') {
    throw new ConfigError(`${path} defines a job without a run function; add run(context) { … }`);
  }
  if (value.timeout !== undefined && parseDuration(value.timeout) === undefined) {
    throw new ConfigError(`${path} has the timeout ${value.timeout}, which isn't a duration; write it like 90s or 30m`);
  }
  return value;
}
