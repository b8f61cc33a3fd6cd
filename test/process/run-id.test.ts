import { expect, test } from 'vitest';
import { newRunId } from '../../src/process/run-id.ts';

test('a run id is a UUIDv7 of its instant', () => {
  const id = newRunId(new Date(0x0190_1234_5678));
  expect(id).toMatch(/^01901234-5678-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
});

test('ids of one instant differ, and ids of later instants sort after it', () => {
  const now = new Date();
  const ids = new Set(Array.from({ length: 1_000 }, () => newRunId(now)));
  expect(ids.size).toBe(1_000);
  expect(newRunId(new Date(now.getTime() + 1)) > ([...ids].sort().at(-1) ?? '')).toBe(true);
});
