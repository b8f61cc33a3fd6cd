// The properties of runs under many random schedules: `npm run bench -- schedules [seeds] [first seed] [at once] [seconds of shrinking]`.
import { checkSeed } from '../property/seed.ts';
import { onStages } from '../property/stage.ts';
import { createScratchFolder } from '../support/scratch-folder.ts';
import { tell } from './report.ts';

/** Says how many seeds hold, and prints what doesn't hold for each of the others. */
export async function bench([
  count = '300',
  first = '1',
  atOnce = '4',
  shrink = '240',
]: readonly string[]): Promise<void> {
  await using scratch = createScratchFolder();
  const end = Number(first) + Number(count);
  let next = Number(first);
  const failed: number[] = [];
  const ends: Record<string, number> = {};
  const startedAt = performance.now();
  const take = () => (next < end ? next++ : undefined);
  await onStages(scratch.path, Number(atOnce), take, async (stage, seed) => {
    try {
      const { runs } = await checkSeed(stage, seed, Number(shrink) * 1_000);
      for (const { summary, killedAt, exitCode } of runs) {
        const status = killedAt !== undefined && exitCode === null ? 'killed' : (summary?.status ?? 'without a word');
        ends[status] = (ends[status] ?? 0) + 1;
      }
    } catch (error) {
      failed.push(seed);
      console.error((error as Error).message, '\n');
    }
  });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  console.log(`how the runs ended: ${JSON.stringify(ends)}\n`);
  tell('schedules', ['seeds', 'failed', 'seconds'], [[count, String(failed.length), seconds]], { count, failed, ends });
  if (failed.length > 0) process.exitCode = 1;
}
