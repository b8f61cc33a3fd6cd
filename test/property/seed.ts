// Plays the schedule of a seed and says what doesn't hold, with the fewest steps that still show it.
import { violationsOf } from './check.ts';
import type { Evidence } from './evidence.ts';
import { play, type Stage } from './play.ts';
import { type Schedule, scheduleOf, tellSchedule } from './schedule.ts';

/** How often a shorter schedule is tried before what it dropped counts as needed: chance is part of every play. */
const TRIES = 2;

/**
 * Plays the seed's schedule.
 * @param shrinkMs how long to look for a shorter schedule when something doesn't hold
 * @throws {Error} with the seed, the schedule, what doesn't hold, and what the runs concerned have said
 */
export async function checkSeed(stage: Stage, seed: number, shrinkMs = 0): Promise<Evidence> {
  const schedule = scheduleOf(seed);
  const evidence = await play(schedule, stage);
  const violations = violationsOf(evidence);
  if (violations.length === 0) return evidence;
  const found = { schedule, evidence, violations };
  const shortest = await shrink(found, stage, Date.now() + shrinkMs);
  throw new Error(tellFailure(seed, found, shortest));
}

interface Found {
  readonly schedule: Schedule;
  readonly evidence: Evidence;
  readonly violations: readonly string[];
}

/** What goes wrong, whatever the numbers. */
const kindOf = (violation: string) => violation.replace(/\d+/g, '').slice(0, 60);

/** Drops one step after the other for as long as the same still goes wrong. */
async function shrink(found: Found, stage: Stage, until: number): Promise<Found> {
  let shortest = found;
  const kinds = new Set(found.violations.map(kindOf));
  for (let at = found.schedule.steps.length - 1; at >= 0; at -= 1) {
    const schedule = { ...shortest.schedule, steps: shortest.schedule.steps.toSpliced(at, 1) };
    for (let tries = 0; tries < TRIES && Date.now() < until; tries += 1) {
      const evidence = await play(schedule, stage);
      const violations = violationsOf(evidence);
      if (!violations.some((text) => kinds.has(kindOf(text)))) continue;
      shortest = { schedule, evidence, violations };
      break;
    }
  }
  return shortest;
}

function tellFailure(seed: number, found: Found, shortest: Found): string {
  const parts = [`seed ${seed}:\n${found.violations.join('\n')}`];
  if (shortest !== found) parts.push(`with fewer steps:\n${shortest.violations.join('\n')}`);
  parts.push(tellSchedule(shortest.schedule), ...tellRuns(shortest));
  return parts.join('\n\n');
}

/** What the runs that are named in the violations have said. */
function tellRuns({ evidence, violations }: Found): string[] {
  const named = new Set(violations.flatMap((text) => [...text.matchAll(/\brun (\d+)/g)].map(([, run]) => Number(run))));
  return evidence.runs
    .filter(({ run }) => named.has(run))
    .map(({ run, output, work, losses, killedAt, termedAt, startedAt, endedAt, record }) => {
      const since = (at: number | undefined) => (at === undefined ? undefined : Math.round(at - startedAt));
      const facts = {
        ended: since(endedAt),
        begun: since(work?.begin),
        lastSign: since(work?.last),
        done: since(work?.done),
        killed: since(killedAt),
        termed: termedAt.map(since),
        losses: losses.map(({ from, to, noticed }) => ({ from: since(from), to: since(to), noticed })),
        record,
      };
      return `run ${run}, in ms since its start: ${JSON.stringify(facts)}\n${output}`;
    });
}
