// A calendar of the days of a name: one cell a day, the worst that became of its slots told by shape and colour.
import type { JobDetail } from '../api/schemas.ts';
import { CELL, LABELS, type Shape, shapeAt, shapeOfStatus } from './states.ts';

const DAY_MS = 86_400_000;
const WEEKS = 14;
const SIZE = 18;
const GAP = 3;
const LEFT = 34;
const TOP = 16;

const WORST: readonly Shape[] = ['lost', 'failed', 'missed', 'late', 'running', 'due', 'skipped', 'done'];
const BAD: readonly Shape[] = ['lost', 'failed', 'missed'];
const WEEKDAYS = ['Mon', '', 'Wed', '', 'Fri', '', 'Sun'];

interface Day {
  readonly shape: Shape;
  readonly count: number;
  readonly bad: number;
  readonly done: number;
}

/** The last 14 weeks by the calendar of UTC. */
export function Calendar({ counts, now }: { readonly counts: JobDetail['days']; readonly now: string }) {
  const days = daysOf(counts);
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
            <title>{`${new Date(day * DAY_MS).toISOString().slice(0, 10)}: ${one ? `${one.count} ${one.count === 1 ? 'slot' : 'slots'}, ${one.bad === 0 ? 'all well' : `${one.bad} not well (${LABELS[one.shape]})`}` : 'nothing'}`}</title>
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

/** Of a name with many slots a day, one that failed or was skipped doesn't make a bad day; its mark is there. */
const isMostlyWell = ({ count, done }: Day): boolean => done / count > 0.8;

/** By day: the worst that became of its slots, how many there were, and how many of them weren't done. */
function daysOf(counts: JobDetail['days']): Map<number, Day> {
  const byDay = Map.groupBy(counts, ({ day }) => Date.parse(day) / DAY_MS);
  return new Map(
    [...byDay].map(([day, own]) => {
      const told = own.map(({ status, slots }) => ({ shape: shapeOfStatus(status), slots }));
      const shape = WORST.find((worst) => told.some((one) => one.shape === worst)) ?? 'done';
      const of = (shapes: readonly Shape[]) =>
        told.reduce((sum, one) => sum + (shapes.includes(one.shape) ? one.slots : 0), 0);
      return [day, { shape, count: of(WORST), bad: of(BAD), done: of(['done']) }];
    }),
  );
}

function tell(days: ReadonlyMap<number, Day>, cells: readonly number[]): string {
  const shown = cells.flatMap((day) => days.get(day) ?? []);
  return `${shown.length} ${shown.length === 1 ? 'day' : 'days'} with slots, ${shown.filter(({ bad }) => bad > 0).length} of them with failures`;
}
