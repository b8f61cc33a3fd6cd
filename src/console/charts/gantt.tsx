// The last 24 hours: how many runs there were at once, and under it when each name worked.
import { formatDuration } from '../../duration.ts';
import type { Night } from '../api/schemas.ts';
import { type Shape, shapeOfStatus } from './states.ts';

type OneName = Night['names'][number];

const W = 960;
const ROW = 16;

/** Hours of UTC in the span, as places on the axis. */
function hoursOf({ from, to }: Night): { readonly x: number; readonly label: string }[] {
  const start = Date.parse(from);
  const span = Date.parse(to) - start;
  const first = Math.ceil(start / 3_600_000);
  return Array.from({ length: 24 }, (_, index) => (first + index) * 3_600_000).map((at) => ({
    x: Math.round(((at - start) / span) * W * 10) / 10,
    label: `${String(new Date(at).getUTCHours()).padStart(2, '0')}:00`,
  }));
}

/** How many runs worked at once, as an area. */
export function Crowd({ night }: { readonly night: Night }) {
  const most = Math.max(...night.crowd, 1);
  const step = W / Math.max(1, night.crowd.length);
  const y = (runs: number) => Math.round((1 - runs / most) * 600) / 10 + 8;
  const points = night.crowd.map(
    (runs, index) => `L${Math.round(index * step * 10) / 10} ${y(runs)}H${Math.round((index + 1) * step * 10) / 10}`,
  );
  const peak = night.crowd.indexOf(Math.max(...night.crowd));
  const peakAt = new Date(Date.parse(night.from) + peak * night.stepMs).toISOString().slice(11, 16);
  return (
    <>
      <svg
        class="crowd"
        viewBox={`0 0 ${W} 96`}
        role="img"
        aria-label={`Runs at once over the last 24 hours: ${most} at most, at ${peakAt} UTC`}
      >
        <path class="area" d={`M0 68${points.join('')}V68z`} />
        {hoursOf(night).map(({ x, label }, index) => (
          <g>
            <line class="grid" x1={x} x2={x} y1="8" y2="68" />
            {index % 3 === 0 && (
              <text class="axis middle" x={Math.min(Math.max(x, 30), W - 30)} y="90">
                {label}
              </text>
            )}
          </g>
        ))}
      </svg>
      <span class="faint sub">
        Runs within five minutes of each other: {most} at most, at {peakAt} UTC.
      </span>
    </>
  );
}

/** When one name worked. */
export function NightRow({ night, name: { bars, runs, busyMs } }: { readonly night: Night; readonly name: OneName }) {
  const scale = (W * 1_000) / (Date.parse(night.to) - Date.parse(night.from));
  const paths = new Map<Shape, string>();
  let failed = 0;
  for (const bar of bars) {
    const width = Math.max(2, Math.round((bar.to - bar.from) * scale * 10) / 10);
    // What has just begun is seen at the right end too.
    const x = Math.round(Math.min(bar.from * scale, W - width) * 10) / 10;
    const shape = shapeOfStatus(bar.status);
    if (shape === 'failed' || shape === 'lost') failed += bar.runs;
    // What failed is higher, and what was skipped lower, so that colour isn't all that tells.
    const [y, height] = shape === 'failed' || shape === 'lost' ? [0, ROW] : shape === 'skipped' ? [10, 4] : [4, 10];
    paths.set(shape, `${paths.get(shape) ?? ''}M${x} ${y}h${width}v${height}h-${width}z`);
  }
  return (
    <svg
      class="night"
      viewBox={`0 0 ${W} ${ROW}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={`${runs} ${runs === 1 ? 'run' : 'runs'} ended, ${formatDuration(Math.round(busyMs / 1_000) * 1_000)} in all${failed > 0 ? `, ${failed} failed` : ''}`}
    >
      <path class="grid" d={gridOf(night)} />
      {[...paths].map(([shape, d]) => (
        <path class={`s-${shape}`} d={d} />
      ))}
    </svg>
  );
}

/** A line every three hours. */
const gridOf = (night: Night): string =>
  hoursOf(night)
    .filter((_, index) => index % 3 === 0)
    .map(({ x }) => `M${x} 0V${ROW}`)
    .join('');
