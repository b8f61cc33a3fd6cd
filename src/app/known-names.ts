// What a person means by a name: one that there is, with dashes or underscores, or an error; silence would look like an answer.
import { UsageError } from '../errors.ts';
import { findJobFiles, type JobSearch } from './job-files.ts';
import { didYouMean } from './suggest.ts';

/** A job's name as its file has it: Kubernetes writes it with dashes, and no job's name has any. */
export function asJobName(name: string): string {
  return name.replaceAll('-', '_');
}

/**
 * The name that there is, among those that are recorded and those of the jobs.
 * @throws {UsageError} there is none like it
 */
export function resolveName(given: string, recorded: readonly string[], search: JobSearch): string {
  const known = [...new Set([...recorded, ...jobNames(search)])].sort();
  const same = known.find((name) => name === given) ?? known.find((name) => asJobName(name) === asJobName(given));
  if (same !== undefined) return same;
  throw new UsageError(
    `Nothing is known by the name ${given}${didYouMean(given, known) || '.'} There are ${listed(known) || 'no names yet'}`,
  );
}

/** As many as a person reads through. */
const MOST_LISTED = 30;

function listed(names: readonly string[]): string {
  const more = names.length - MOST_LISTED;
  return more > 1
    ? `${names.slice(0, MOST_LISTED).join(', ')} and ${more} more; run-job status lists them`
    : names.join(', ');
}

/** None where the folders can't be read: what is recorded can be told all the same. */
function jobNames(search: JobSearch): string[] {
  try {
    return [...findJobFiles(search).keys()];
  } catch {
    return [];
  }
}
