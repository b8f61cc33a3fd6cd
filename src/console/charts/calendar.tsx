// A calendar of the days of a name: one cell a day, the worst that became of its slots told by shape and colour.
import type { RunBrief } from '../api/schemas.ts';
import { CELL, LABELS, type Shape, shapeAt, shapeOfStatus } from './states.ts';

const DAY_MS = 86_400_000;
const WEEKS = 14;
const SIZE = 18;
const GAP = 3;
const LEFT = 34;
const TOP = 16;

const WORST: readonly Shape[] = ['lost', 'failed', 'missed', 'late', 'running', 'due', 'skipped', 'done'];
const WEEKDAYS = ['Mon', '', 'Wed', '', 'Fri', '', 'Sun'];

interface Day {
  readonly shape: Shape;
  readonly count: number;
  readonly bad: number;
}

/** The last 14 weeks by the calendar of UTC. */
export function Calendar({
  runs,
  missed,
  now,
}: {
  readonly runs: readonly RunBrief[];
  readonly missed: readonly { readonly at: string }[];
  readonly now: string;
}) {
  const days = daysOf(runs, missed);
  const today = Math.floor(Date.parse(now) / DAY_MS);
  // The epoch was a Thursday.
  const weekday = (today + 3) % 7;
  const start = today - weekday - (WEEKS - 1) * 7;
  const cells = Array.from({ length: today - start + 1 }, (_, index) => start + index);
  const months = cells.filter((day) => new Date(day * DAY_MS).getUTCDate() <= 7 && (day - start) % 7 === 0);
  return (
    <svg
      class="calendar"
      viewBox={`0 0 ${LEFT + WEEKS * (SIZE + GAP)} ${TOP + 7 * (SIZE + GAP)}`}
      role="img"
      aria-label={`Days of the last ${WEEKS} weeks: ${tell(days, cells)}`}
    >
      {WEEKDAYS.map((name, row) => (
        <text class="axis" x="0" y={TOP + row * (SIZE + GAP) + 13}>
          {name}
        </text>
      ))}
      {months.map((day) => (
        <text class="axis" x={LEFT + ((day - start) / 7) * (SIZE + GAP)} y="11">
          {new Date(day * DAY_MS).toLocaleString('en', { month: 'short', timeZone: 'UTC' })}
        </text>
      ))}
      {cells.map((day) => {
        const x = LEFT + Math.floor((day - start) / 7) * (SIZE + GAP);
        const y = TOP + ((day - start) % 7) * (SIZE + GAP);
        const one = days.get(day);
        return (
          <g>
            <title>{`${new Date(day * DAY_MS).toISOString().slice(0, 10)}: ${one ? `${one.count} slots, ${one.bad === 0 ? 'all well' : `${one.bad} not well (${LABELS[one.shape]})`}` : 'nothing'}`}</title>
            <rect
              class={`day d-${one === undefined ? 'none' : isMostlyWell(one) ? 'done' : one.shape}`}
              x={x}
              y={y}
              width={SIZE}
              height={SIZE}
              rx="3"
            />
            {one && one.shape !== 'done' && (
              <path
                class="day-mark"
                transform={`translate(${x + (SIZE - CELL) / 2} ${y - 1})`}
                d={shapeAt(one.shape, 0)}
              />
            )}
          </g>
        );
      })}
    </svg>
  );
}

/** Of a name with many slots a day, one that failed doesn't make a bad day; its mark is there. */
const isMostlyWell = ({ count, bad }: Day): boolean => bad > 0 && bad / count < 0.2;

/** By day: a slot counts by its newest run. */
function daysOf(runs: readonly RunBrief[], missed: readonly { readonly at: string }[]): Map<number, Day> {
  const slots = new Map<string, Shape>();
  for (const run of runs.toReversed()) slots.set(`${run.scheduledAt}/${run.shard.index}`, shapeOfStatus(run.status));
  for (const { at } of missed) slots.set(at, 'missed');
  const byDay = Map.groupBy([...slots], ([slot]) => Math.floor(Date.parse(slot.split('/')[0] ?? '') / DAY_MS));
  return new Map(
    [...byDay].map(([day, own]) => {
      const shapes = own.map(([, shape]) => shape);
      const shape = WORST.find((worst) => shapes.includes(worst)) ?? 'done';
      const bad = shapes.filter((one) => one === 'lost' || one === 'failed' || one === 'missed').length;
      return [day, { shape, count: own.length, bad }];
    }),
  );
}

function tell(days: ReadonlyMap<number, Day>, cells: readonly number[]): string {
  const shown = cells.flatMap((day) => days.get(day) ?? []);
  return `${shown.length} days with slots, ${shown.filter(({ bad }) => bad > 0).length} of them with failures`;
}
