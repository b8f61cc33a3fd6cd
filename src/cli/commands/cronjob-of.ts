// The CronJob that a Job is made after: from a file, from standard input, or as kubectl finds it.
import { readFileSync } from 'node:fs';
import { type CronJob, readCronJob } from '../../app/job-manifest.ts';
import { UsageError } from '../../errors.ts';
import { kubectl } from '../../process/kubectl.ts';

/** Which one, as far as records and schedules tell. */
export interface CronJobName {
  readonly name: string;
  readonly namespace?: string;
}

/**
 * Reads it.
 * @param path of a file, or `-`; kubectl is asked unless given
 * @param unknown what to say where nobody knows which one it is
 * @throws {UsageError | UnavailableError} it can't be had, or isn't a CronJob
 */
export async function cronJobOf(
  path: string | undefined,
  known: CronJobName | undefined,
  unknown: string,
): Promise<CronJob> {
  if (path !== undefined) return readFrom(path);
  if (known === undefined) throw new UsageError(unknown);
  const { name, namespace } = known;
  const inNamespace = namespace === undefined ? [] : ['--namespace', namespace];
  return readCronJob(await kubectl(['get', 'cronjob', name, ...inNamespace, '--output', 'json']), 'kubectl');
}

function readFrom(path: string): CronJob {
  let text: string;
  try {
    text = readFileSync(path === '-' ? 0 : path, 'utf8');
  } catch (error) {
    throw new UsageError(`--cronjob ${path} can't be read: ${(error as NodeJS.ErrnoException).code}`);
  }
  return readCronJob(text, path === '-' ? 'standard input' : path);
}
