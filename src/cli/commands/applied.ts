// What became of a file of schedules that was applied, and of their monitors, in words.
import type { Applied, AppliedChange } from '../../app/apply-schedules.ts';
import type { MonitorChange } from '../../app/monitors.ts';
import { redactorFor } from '../../app/redactor.ts';

/** A line for each schedule and each monitor of which there is something to say. */
export function tellApplied({ schedules, monitors }: Applied, dryRun: boolean, env: NodeJS.ProcessEnv): string {
  // A service may say again what it was sent.
  return `${tellSchedules(schedules, dryRun)}${redactorFor(env).text(tellMonitors(monitors, dryRun))}`;
}

/** A schedule's change with those of its monitors. */
export function withMonitors(schedule: AppliedChange, { monitors }: Applied): object {
  const own = monitors.filter(({ name }) => name === schedule.name).map(({ name: _, ...change }) => change);
  return own.length > 0 ? { ...schedule, monitors: own } : schedule;
}

/** How many monitors couldn't be brought up to their schedules. */
export const failedMonitors = (changes: readonly MonitorChange[]): number =>
  changes.filter(({ change }) => change === 'failed').length;

function tellSchedules(changes: readonly AppliedChange[], dryRun: boolean): string {
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

function tellMonitors(changes: readonly MonitorChange[], dryRun: boolean): string {
  const lines = changes.flatMap((one) => tellMonitor(one, dryRun));
  const unchanged = changes.filter(({ change }) => change === 'unchanged').length;
  if (unchanged > 0) lines.push(`${unchanged} monitor${unchanged === 1 ? '' : 's'} unchanged`);
  return lines.map((line) => `${line}\n`).join('');
}

function tellMonitor(one: MonitorChange, dryRun: boolean): string[] {
  const { name, service, change, settings = [], kept = [], notes = [] } = one;
  const would = dryRun ? 'would be ' : 'is ';
  const which = name === '' ? service : `${name}: the monitor at ${service}`;
  const about = [...(kept.length > 0 ? [`${kept.map(inWords).join(', ')} as somebody chose there`] : []), ...notes];
  const said = about.length > 0 ? `; ${about.join('; ')}` : '';
  switch (change) {
    case 'made':
      return [`${which} ${would}made${said}`];
    case 'changed':
      return [`${which} ${would}changed (${settings.map(inWords).join(', ')})${said}`];
    case 'unchanged':
      return about.length > 0 ? [`${which} stays${said}`] : [];
    case 'left':
      return [`${name}: ${notes.join('; ')} (${service})`];
    case 'failed':
      return [`${which} ${dryRun ? 'could not be looked at' : 'is not up to date'}: ${notes.join('; ')}`];
  }
}

/** `checkinMargin` as `checkin margin`. */
const inWords = (setting: string): string => setting.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
