// Whatever stands in a variable, a run ends with 0, 64, 69 or 78, one sentence, no stack and no secret. A short draw; `npm run bench -- fuzz` draws more.
import { expect, test } from 'vitest';
import { ENVIRONMENT } from '../../src/app/config.ts';
import { runToEnd } from '../support/run-job.ts';
import { cases, wrongWith } from './odd-environment.ts';

const VARIABLES = Object.keys(ENVIRONMENT.entries);

test.for(cases(VARIABLES, 70, 16))('$name=$value', async ({ env }) => {
  const ended = await runToEnd(['noop'], { env });
  expect(wrongWith(ended), ended.stdout + ended.stderr).toBeUndefined();
});
