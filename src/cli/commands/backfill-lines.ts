// What `run-job backfill` says: the slots first, a line for each that has ended, and what is left.
import type { Plan, PlannedSlot } from '../../app/backfill/plan.ts';
import type { BackfillEnd, SlotEnd } from '../../app/backfill/work.ts';
import { rootCause } from '../../app/standing.ts';
import { tellReason } from '../../app/tell-reason.ts';
import { formatDuration } from '../../duration.ts';
import { shortId, tellTime } from '../terminal/print.ts';

const plural = (count: number, what = 'slot'): string => `${count} ${what}${count === 1 ? '' : 's'}`;

/** A slot's time, to the minute: UTC. */
const tellSlot = (at: Date): string => tellTime(at).slice(0, 16);

/** What there is to do, in the order in which it is done. */
export function tellPlan(name: string, plan: Plan, slots: readonly PlannedSlot[], newestFirst: boolean): string {
  const { done, inBlackout, others, suspended, unknownBefore } = plan;
  const beside = [
    done > 0 && `${plural(done)} succeeded already`,
    others > 0 && `${plural(others)} left out by --only`,
    inBlackout > 0 && `${plural(inBlackout)} in a blackout`,
  ].filter(Boolean);
  const order = slots.length > 1 ? `, the ${newestFirst ? 'newest' : 'oldest'} first` : '';
  const head = `${name}: ${slots.length === 0 ? 'no slot' : plural(slots.length)} to run${slots.length === 0 ? '' : ` (UTC)${order}`}${beside.length > 0 ? `; ${beside.join(', ')}` : ''}`;
  const hints = [
    suspended > 0 &&
      `${plural(suspended)} more there would have been, had the schedule not been suspended; --current-schedule includes them`,
    unknownBefore &&
      `no schedule is known of before ${tellSlot(unknownBefore)}; --current-schedule takes the times of the one in force`,
  ].filter((hint) => typeof hint === 'string');
  return [head, ...slots.map((slot) => `  ${tellState(slot)}`), ...hints.map((hint) => `note: ${hint}`)]
    .map((line) => `${line}\n`)
    .join('');
}

/** What has come of one slot. */
export function tellEnd({ slot, done, exitCode, tookMs }: SlotEnd, place: number, count: number): string {
  const head = `[${place}/${count}] ${tellSlot(slot.at)}  `;
  if (exitCode === undefined) return `${head}succeeded meanwhile\n`;
  const state = done ? 'succeeded' : `${slot.reason ?? slot.state}, exit ${exitCode}`;
  const why = slot.run && !done ? `, ${shortId(slot.run.runId)}${tellCause(slot)}` : '';
  return `${head}${state} in ${formatDuration(tookMs)}${why}\n`;
}

/** What is left in the end. */
export function tellLeft(name: string, count: number, { left, gaveUp }: BackfillEnd): string {
  if (left.length === 0) return `${name}: ${count === 1 ? 'the slot has' : `all ${count} slots have`} succeeded\n`;
  return [
    ...(gaveUp === undefined ? [] : [`${name}: gave up: ${gaveUp}`]),
    `${name}: ${count - left.length} of ${plural(count)} succeeded; ${left.length === 1 ? '1 is' : `${left.length} are`} left (UTC)`,
    ...left.map((slot) => `  ${tellState(slot)}${slot.run ? tellCause(slot) : ''}`),
  ]
    .map((line) => `${line}\n`)
    .join('');
}

function tellState({ at, state, reason, run }: PlannedSlot): string {
  const told = [reason === state ? undefined : tellReason(reason), run && shortId(run.runId)]
    .filter(Boolean)
    .join(', ');
  return `${tellSlot(at)}  ${state.padEnd(8)}${told && ` ${told}`}`.trimEnd();
}

const tellCause = ({ run }: PlannedSlot): string => (run?.error ? `: ${rootCause(run.error)}` : '');
