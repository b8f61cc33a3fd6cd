// What became of schedules that were applied, in words.
import type { ScheduleChange } from '../../postgres/schedules.ts';

/** A line for each schedule that isn't as it was, and how many are. */
export function tellChanges(changes: readonly ScheduleChange[], dryRun: boolean): string {
  const would = dryRun ? 'would be ' : '';
  const lines = changes
    .filter(({ change }) => change !== 'unchanged')
    .map(
      ({ name, change, from }) =>
        `${name} ${would || 'is '}${change}${from === undefined ? '' : `, and was told of by ${from} before`}\n`,
    );
  const unchanged = changes.length - lines.length;
  if (changes.length === 0) return 'there are no schedules, and there were none\n';
  return `${lines.join('')}${unchanged > 0 ? `${unchanged} unchanged\n` : ''}`;
}
