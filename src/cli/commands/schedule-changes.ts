// What became of schedules that were applied, in words.
import type { AppliedChange } from '../../app/apply-schedules.ts';

/** A line for each schedule that isn't as it was, and how many are. */
export function tellChanges(changes: readonly AppliedChange[], dryRun: boolean): string {
  const would = dryRun ? 'would be ' : '';
  const lines = changes
    .filter(({ change }) => change !== 'unchanged')
    .map(
      ({ name, change, from }) =>
        `${name} ${would || 'is '}${change}${from === undefined ? '' : `, and was told of by ${from} before`}\n`,
    );
  const unchanged = changes.length - lines.length;
  if (changes.length === 0) return 'there are no schedules, and there were none\n';
  const notes = changes.flatMap(({ name, unknown = [] }) =>
    unknown.map(
      (other) =>
        `note: ${name} comes after ${other.name}, of which nothing is known${other.meant === undefined ? '' : `; did you mean ${other.meant}?`}\n`,
    ),
  );
  return `${lines.join('')}${unchanged > 0 ? `${unchanged} unchanged\n` : ''}${notes.join('')}`;
}
