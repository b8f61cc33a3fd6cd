// The life of one run: what it waited for, its attempts and the waits between them, its end, and its deadline.
import { formatDuration } from '../../duration.ts';
import type { RunDetail } from '../api/schemas.ts';
import { type Shape, shapeOfStatus } from './states.ts';
import { Mark } from './strip.tsx';

const W = 720;

/** A part of a run's life, in milliseconds of the epoch. */
interface Part {
  readonly kind: 'late' | 'wait' | 'attempt' | 'rest';
  readonly from: number;
  readonly to: number;
  /** Of an attempt. */
  readonly shape?: Shape;
  readonly words: string;
}

/** From its slot to its end, or to its deadline while it runs. */
export function Life({ run, at }: { readonly run: RunDetail; readonly at: string }) {
  const scheduled = Date.parse(run.scheduledAt);
  const started = Date.parse(run.startedAt);
  const ended = run.endedAt === undefined ? Date.parse(at) : Date.parse(run.endedAt);
  const deadline = run.deadline === undefined ? undefined : Date.parse(run.deadline);
  // A run of a slot of long ago would be a dot at the right: its wait is told in words then.
  const caught = started - scheduled > 10 * Math.max(60_000, ended - started);
  const from = caught ? started : Math.min(scheduled, started);
  const to = Math.max(ended, run.endedAt === undefined ? (deadline ?? ended) : ended, from + 1);
  const x = (time: number) => Math.round(Math.min(Math.max(((time - from) / (to - from)) * W, 0), W) * 10) / 10;
  const parts = partsOf(run, scheduled, started, ended);
  const words = [
    started > scheduled ? `began ${formatDuration(started - scheduled)} after its slot` : 'began at once',
    `${run.attempts} ${run.attempts === 1 ? 'attempt' : 'attempts'}`,
    run.status === 'running'
      ? `under way for ${formatDuration(Math.max(0, ended - started))}`
      : run.status === 'lost'
        ? 'nobody knows when it died'
        : `took ${formatDuration(run.durationMs ?? ended - started)}`,
    deadline === undefined
      ? undefined
      : run.status === 'running'
        ? `must end in ${formatDuration(Math.max(0, deadline - ended))}`
        : `its limit was ${formatDuration(Math.max(0, deadline - Date.parse(run.begunAt ?? run.startedAt)))}`,
    run.progress && tellProgress(run.progress),
  ];
  return (
    <section>
      <h2>Life</h2>
      <svg class="life" viewBox={`0 0 ${W} 28`} preserveAspectRatio="none" aria-hidden="true">
        {parts.map(
          (part) =>
            !(caught && part.kind === 'late') && (
              <rect
                class={part.shape === undefined ? part.kind : `s-${part.shape}`}
                x={x(part.from)}
                y={part.kind === 'attempt' ? 6 : 11}
                width={Math.max(part.kind === 'attempt' ? 2 : 0, x(part.to) - x(part.from))}
                height={part.kind === 'attempt' ? 16 : 6}
              />
            ),
        )}
        {deadline !== undefined && deadline <= to && (
          <rect class="limit-bar" x={Math.min(x(deadline), W - 2)} y="0" width="2" height="28" />
        )}
      </svg>
      <p>{words.filter((word) => word !== undefined).join(', ')}.</p>
      <ol class="bare parts">
        {parts.map(({ kind, shape, words: told }) => (
          <li>
            {shape === undefined ? <i class={`part ${kind}`} aria-hidden="true"></i> : <Mark shape={shape} />} {told}
          </li>
        ))}
      </ol>
    </section>
  );
}

/** Such as "45 % done, 450 of 1000". */
export function tellProgress({ done, total }: NonNullable<RunDetail['progress']>): string {
  if (total === undefined || total <= 0) return `${done} done`;
  return `${Math.floor((100 * done) / total)} % done, ${done} of ${total}`;
}

function partsOf(run: RunDetail, scheduled: number, started: number, ended: number): Part[] {
  const begun = run.begunAt === undefined ? started : Date.parse(run.begunAt);
  const parts: Part[] = [];
  const add = (kind: Part['kind'], from: number, to: number, words: string, shape?: Shape) =>
    parts.push({ kind, from, to, words, ...(shape && { shape }) });
  const took = (from: number, to: number) => formatDuration(Math.max(0, to - from));
  if (started > scheduled) add('late', scheduled, started, `started ${took(scheduled, started)} after its slot`);
  if (run.attempts === 0) {
    add('wait', started, ended, `waited ${took(started, ended)}, and never began its work`);
    return parts;
  }
  if (begun > started) {
    add('wait', started, begun, `waited ${took(started, begun)} for its lock, a place and its connections`);
  }
  const tries = run.tries ?? [{ startedAt: new Date(begun).toISOString() }];
  for (const [index, { startedAt, endedAt, error, retryInMs }] of tries.entries()) {
    const from = Date.parse(startedAt);
    const to = endedAt === undefined ? ended : Date.parse(endedAt);
    // Only the last can have ended, or go on, without an error of its own.
    const how = error === undefined ? run.status.replace('_', ' ') : `${error.name}: ${error.message}`;
    // When a lost one died isn't known, only when somebody noticed.
    const open = endedAt === undefined ? run.status : undefined;
    const after = open === 'lost' ? '' : `${open === 'running' ? ' for' : ', after'} ${took(from, to)}`;
    const shape = error !== undefined && retryInMs !== undefined ? 'failed' : shapeOfStatus(run.status);
    // Of a record of an older version only their number is known.
    const which = run.tries === undefined && run.attempts > 1 ? `${run.attempts} attempts` : `attempt ${index + 1}`;
    add('attempt', from, to, `${which}: ${how}${after}`, shape);
    const next = tries[index + 1];
    const until = next === undefined ? ended : Date.parse(next.startedAt);
    if (retryInMs !== undefined && until > to) {
      add(
        'rest',
        to,
        until,
        `waited ${took(to, until)}${next === undefined ? ` of ${formatDuration(retryInMs)}` : ''} before the next attempt`,
      );
    }
  }
  return parts;
}
