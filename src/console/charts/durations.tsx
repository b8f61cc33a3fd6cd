// How long runs took: a small line for a row of the list, and a large one with the timeout for the page of a name.
import { formatDuration } from '../../duration.ts';
import type { RunBrief } from '../api/schemas.ts';
import { CELL, shapeAt, shapeOfStatus } from './states.ts';

const WIDTH = 90;
const HEIGHT = 20;

/** The newest successes, the newest at the right; from nothing at the bottom to the longest at the top. */
export function Sparkline({ durationsMs }: { readonly durationsMs: readonly number[] }) {
  if (durationsMs.length < 2) return <span class="faint">–</span>;
  const longest = Math.max(...durationsMs, 1);
  const step = WIDTH / (durationsMs.length - 1);
  const points = durationsMs.map(
    (ms, index) => `${round(index * step)},${round(HEIGHT - 2 - (ms / longest) * (HEIGHT - 4))}`,
  );
  return (
    <svg
      class="sparkline"
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={`durations of the newest successes (${durationsMs.length}): ${formatDuration(durationsMs.at(-1) ?? 0)} the newest, ${formatDuration(longest)} the longest`}
    >
      <polyline points={points.join(' ')} />
    </svg>
  );
}

const W = 720;
const H = 220;
const LEFT = 100;
const TOP = 12;
const BOTTOM = 30;

const S = 1_000;
const M = 60 * S;
const HOUR = 60 * M;
/** Distances between lines that people like to read, in milliseconds. */
const STEPS = [
  ...[1, 2, 5, 10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * S),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * M),
  ...[1, 2, 3, 6, 12, 24, 48, 96, 240].map((hours) => hours * HOUR),
];

/** More runs than this are too many to tell apart. */
const MOST = 200;

/** The newest runs over time, each by its shape, the timeout as a line. */
export function DurationsChart({
  runs,
  timeoutMs,
}: {
  readonly runs: readonly RunBrief[];
  readonly timeoutMs: number | undefined;
}) {
  const shown = runs
    .filter((run): run is RunBrief & { durationMs: number } => run.durationMs !== undefined && run.status !== 'skipped')
    .slice(0, MOST)
    .sort((a, b) => (a.startedAt < b.startedAt ? -1 : 1));
  const [first] = shown;
  const last = shown.at(-1);
  if (first === undefined || last === undefined) return <p class="faint">No run has ended yet.</p>;
  const from = Date.parse(first.startedAt);
  const span = Math.max(1, Date.parse(last.startedAt) - from);
  const longest = Math.max(...shown.map(({ durationMs }) => durationMs), 1);
  // A timeout far above what runs take would press them to the bottom: it is told in words then.
  const drawn = timeoutMs !== undefined && timeoutMs < longest * 5 ? timeoutMs : undefined;
  const highest = Math.max(longest, drawn ?? 0) * 1.05;
  const step = STEPS.find((one) => highest / one <= 5) ?? highest;
  const top = Math.ceil(highest / step) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  const y = (ms: number) => round(TOP + (1 - ms / top) * (H - TOP - BOTTOM));
  const x = (at: string) => round(LEFT + ((Date.parse(at) - from) / span) * (W - LEFT - 12));
  return (
    <figure>
      <svg class="chart" viewBox={`0 0 ${W} ${H}`}>
        <title>{`Durations of the newest runs (${shown.length}), ${formatDuration(longest)} at most`}</title>
        {ticks.map((tick) => (
          <g>
            <line class="grid" x1={LEFT} x2={W - 8} y1={y(tick)} y2={y(tick)} />
            <text class="axis end" x={LEFT - 6} y={y(tick) + 4}>
              {tick === 0 ? '0' : formatDuration(tick)}
            </text>
          </g>
        ))}
        <text class="axis" x={LEFT} y={H - 6}>
          {first.startedAt.slice(0, 16).replace('T', ' ')}
        </text>
        <text class="axis end" x={W - 8} y={H - 6}>
          {last.startedAt.slice(0, 16).replace('T', ' ')} UTC
        </text>
        {drawn !== undefined && (
          <g>
            <line class="limit" x1={LEFT} x2={W - 8} y1={y(drawn)} y2={y(drawn)} />
            <text class="axis end limit-text" x={W - 10} y={y(drawn) - 4}>
              timeout {formatDuration(drawn)}
            </text>
          </g>
        )}
        {shown.map((run) => {
          const shape = shapeOfStatus(run.status);
          return (
            // In the list below too, where the keyboard reaches it.
            <a
              href={`/runs/${run.id}`}
              tabindex={-1}
              aria-label={`${run.status}, ${formatDuration(run.durationMs)}, ${run.startedAt}`}
            >
              <title>{`${run.status}, ${formatDuration(run.durationMs)}, ${run.startedAt}`}</title>
              {shape === 'done' ? (
                <circle class="s-done" cx={x(run.startedAt)} cy={y(run.durationMs)} r="3" />
              ) : (
                <path
                  class={`s-${shape}`}
                  transform={`translate(${x(run.startedAt) - CELL / 2} ${y(run.durationMs) - 10})`}
                  d={shapeAt(shape, 0)}
                />
              )}
            </a>
          );
        })}
      </svg>
      {timeoutMs !== undefined && drawn === undefined && (
        <figcaption class="faint">The timeout is {formatDuration(timeoutMs)}, far above what runs take.</figcaption>
      )}
    </figure>
  );
}

const round = (value: number): number => Math.round(value * 10) / 10;
