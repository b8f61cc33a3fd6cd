// Durations as people write them (`90s`, `1h30m`): the one grammar of flags, parameters, job files and the chart.

type Part = `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** A length of time: numbers, each with its unit, such as `250ms`, `90s`, `30m`, `1h30m` or `7d`. */
export type Duration = Part | `${Part}${Part}` | `${Part}${Part}${Part}`;

const UNITS = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const WHOLE = /^(?:\d+(?:\.\d+)?(?:ms|s|m|h|d))+$/;
const PART = /(\d+(?:\.\d+)?)(ms|s|m|h|d)/g;

/** The longest timeout: with the longest grace period, a day, it is still what setTimeout can count (2^31 - 1 ms). */
export const LONGEST_TIMEOUT_MS = 23 * UNITS.d;

/** Milliseconds of a duration such as `250ms`, `90s`, `30m` or `1h30m`; undefined when it isn't one. */
export function parseDuration(text: string): number | undefined {
  if (!WHOLE.test(text)) return undefined;
  let total = 0;
  for (const [, amount, unit] of text.matchAll(PART)) total += Number(amount) * UNITS[unit as keyof typeof UNITS];
  return total;
}

/** A duration for people, in at most two units: `850ms`, `2.5s`, `1m 30s`, `3h`. */
export function formatDuration(ms: number): string {
  if (ms < 1_000) return `${Math.round(ms)}ms`;
  if (ms < 60_000) return `${Number((ms / 1_000).toFixed(1))}s`;
  const seconds = Math.round(ms / 1_000);
  const parts: [number, string][] = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3_600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ];
  const first = parts.findIndex(([amount]) => amount > 0);
  return parts
    .slice(first, first + 2)
    .filter(([amount]) => amount > 0)
    .map(([amount, unit]) => `${amount}${unit}`)
    .join(' ');
}
