// `run-job why`: why a slot has no success, from its schedule down to its pod.
import { defineCommand } from 'citty';
import { nameOf } from '../../app/database-names.ts';
import { databaseNow, expectationOf } from '../../app/missed-slots.ts';
import { redactorFor } from '../../app/redactor.ts';
import { tellReason } from '../../app/tell-reason.ts';
import { type Explanation, explainSlot } from '../../app/why/explain.ts';
import { MOST_SKEW_MS } from '../../app/why/verdict.ts';
import { withDatabase } from '../../app/with-database.ts';
import { formatDuration } from '../../duration.ts';
import { schedulesInForce } from '../../postgres/schedules.ts';
import { EXIT } from '../../runner/outcome.ts';
import { tellCron } from '../../schedule/words.ts';
import { zoneOf } from '../../schedule/zone.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { readInstant } from '../terminal/instants.ts';
import { type Colour, painter } from '../terminal/paint.ts';
import { clean, hang, printJson, tellTime } from '../terminal/print.ts';
import { printAll } from '../terminal/stdio.ts';

export default defineCommand({
  meta: {
    name: 'why',
    description: 'Explain why a slot has no success: its schedule, its runs, and what kubectl can see of its pod',
  },
  args: {
    name: { type: 'positional', required: true, description: 'What the runs are known by: a job, or what --as said' },
    at: {
      type: 'string',
      valueHint: 'time',
      description: 'The slot: 2026-11-23T02:00:00Z, or how long ago (Default: the newest that hasn’t succeeded)',
    },
    json: { type: 'boolean', description: 'Print JSON' },
  },
  async run({ args, data }) {
    const { env } = data as CommandData;
    const explanation = await withDatabase(env, 'why', async (connection, { config }) => {
      const name = await nameOf(args.name, connection, jobSearch(data as CommandData, config));
      const [current] = await schedulesInForce(connection, [name]);
      const zone = zoneOf(current?.timeZone ?? 'Etc/UTC');
      const reading = { flag: '--at', now: await databaseNow(connection), zone, ofDay: 'end' } as const;
      const at = args.at === undefined ? undefined : readInstant(args.at, reading);
      return explainSlot(connection, name, at, env);
    });
    // What containers and events say may hold what nobody should read here.
    const redact = redactorFor(env).text;
    if (args.json) printJson(JSON.parse(redact(JSON.stringify(toJson(explanation)))));
    else printAll(toPage(explanation, (text) => clean(redact(text)), painter(env)));
    return EXIT.ok;
  },
});

function toPage(
  { facts, timeline, via, unseen, because, remedy }: Explanation,
  show: (text: string) => string,
  paint: (colour: Colour | undefined, text: string) => string,
): string {
  const { name, slot, moved, schedule, current, clockAheadMs } = facts;
  const told = schedule ?? current;
  const words = told && tellCron(expectationOf(told).cron, told.timeZone);
  const state =
    slot && [slot.state, slot.reason === slot.state ? undefined : tellReason(slot.reason)].filter(Boolean).join(': ');
  const head = [
    slot ? `${name}, slot ${tellTime(slot.at)} UTC, ${state}` : name,
    ...(moved ? ['(the last slot before the time that was asked for)'] : []),
    `Schedule: ${told ? `${words} (${told.cron})${told.suspend ? ', suspended' : ''}` : 'none is known'}`,
    ...(Math.abs(clockAheadMs) > MOST_SKEW_MS
      ? [
          `Clock: the database's is ${formatDuration(Math.abs(clockAheadMs))} ${clockAheadMs < 0 ? 'behind' : 'ahead of'} this one's; the times below are its own`,
        ]
      : []),
    ...(via ? [`Cluster: seen by ${via}`] : []),
  ];
  const width = Math.max(8, ...timeline.map(({ of }) => of.length));
  const lines = timeline.flatMap(({ at, of, text }) => hang(`${tellTime(at)}  ${of.padEnd(width)}  `, show(text)));
  return `${[
    ...head.flatMap((line) => hang('', show(line))),
    ...(lines.length > 0 ? ['', ...lines] : []),
    '',
    ...unseen.flatMap((line) => hang('Not seen: ', show(line))),
    ...hang('Why:      ', show(because)).map((line) => paint(slot?.state === 'done' ? 'green' : 'red', line)),
    ...(remedy === undefined ? [] : hang('Do:       ', show(remedy))),
  ].join('\n')}\n`;
}

function toJson({ facts, timeline, via, unseen, because, remedy }: Explanation): unknown {
  const { slot, schedule, runs, after, clockAheadMs, ...rest } = facts;
  return {
    name: facts.name,
    job: facts.job,
    now: facts.now,
    clockAheadMs,
    slot,
    because,
    remedy,
    timeline,
    seenBy: via,
    unseen,
    schedule: schedule && { ...schedule, id: undefined, settledTo: undefined },
    runs,
    after,
    pause: rest.pause,
    blackout: rest.blackout,
    underWay: rest.underWay,
    running: rest.running,
  };
}
