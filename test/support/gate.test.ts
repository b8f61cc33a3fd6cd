// The gate that other tests hold jobs at.
import { expect, test } from 'vitest';
import { atGate } from '../fixtures/at-gate.ts';
import { openGate } from './gate.ts';

test('a job waits at the gate until the test opens it, whoever comes first', async () => {
  await using gate = await openGate();
  let passed = 0;
  const jobs = ['first', 'second'].map((label) => atGate(gate.path, label).then(() => (passed += 1)));
  const visitors = [await gate.arrival(), await gate.arrival()];
  expect(visitors.map(({ label }) => label).sort()).toEqual(['first', 'second']);
  expect(passed).toBe(0);
  for (const visitor of visitors) visitor.open();
  await Promise.all(jobs);
});

test('a job that is asked to stop leaves the gate with the reason', async () => {
  await using gate = await openGate();
  const abort = new AbortController();
  const job = atGate(gate.path, 'impatient', abort.signal);
  await gate.arrival();
  abort.abort(new Error('time is up'));
  await expect(job).rejects.toThrow('time is up');
});
