// What holds for runs whatever happens to them: random schedules of runs that are killed, cut off, blocked, unlocked and retried.
// `npm run bench -- schedules 300` plays many more.
import { expect, inject, test } from 'vitest';
import { checkSeed } from './seed.ts';
import { onStages } from './stage.ts';

/** As many as take about a minute on two cores: most of the time they wait. */
const SEEDS = 12;
const STAGES = 4;

test('never two at once, no exit 0 without the work, and no record that disagrees with what the run says', {
  timeout: 600_000,
  retry: 0,
}, async () => {
  let last = 0;
  const failures: string[] = [];
  await onStages(
    inject('scratchFolder'),
    STAGES,
    () => (last < SEEDS ? ++last : undefined),
    (stage, seed) => checkSeed(stage, seed).then(undefined, (error: Error) => void failures.push(error.message)),
  );
  expect(failures.join('\n\n'), 'what does not hold').toBe('');
});
