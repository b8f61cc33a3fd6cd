// The parts of database_cleanup that need no database.
import * as v from 'valibot';
import { describe, expect, test } from 'vitest';
import { adaptiveBatchSize } from '../../../src/jobs/database_cleanup/batch-size.ts';
import { componentsInOrder } from '../../../src/jobs/database_cleanup/components.ts';
import { params } from '../../../src/jobs/database_cleanup/params.ts';
import { means, overrideFor } from '../../../src/jobs/database_cleanup/patterns.ts';
import { inOrder } from '../../../src/jobs/database_cleanup/row-order.ts';
import { inStepsBack, startingAt } from '../../../src/jobs/database_cleanup/scope.ts';
import { rangesOfShard } from '../../../src/jobs/database_cleanup/shards.ts';
import { watchTraffic } from '../../../src/jobs/database_cleanup/traffic.ts';

describe('parameters', () => {
  test('lengths of time become milliseconds, lists may be text with commas', () => {
    const parsed = v.parse(params, {
      schemas: 'a, b ,c',
      retention: { x: '1.5h', y: '1d12h' },
      pause: '250ms',
      tables: ['q'],
    });
    expect(parsed).toMatchObject({
      schemas: ['a', 'b', 'c'],
      retention: { x: 5_400_000, y: 129_600_000 },
      pause: 250,
      tables: ['q'],
    });
    expect(parsed).toMatchObject({ retentionDays: 90, batchTarget: 250, include: ['*'] });
  });

  test.for([
    { retentionDays: 0 },
    { retentionDays: -1 },
    { retentionDays: 1e9 },
    { retention: { x: '90' } },
    { pause: 'soon' },
    { schemas: '["a"]' },
    { batchSize: 0 },
    { maxFraction: 2 },
    { timeZone: 'UTC+2' },
    { timeZone: '+02:00' },
  ])('%o is refused', (input) => {
    expect(v.safeParse(params, input).success).toBe(false);
  });
});

test('what is said of a table by its name goes before what a pattern says, in whatever order they are written', () => {
  const table = { schema: 'billing', name: 'invoices' };
  const overrides = { '*': 1, 'billing.*': 2, invoices: 3, 'billing.invoices': 4 };
  expect(overrideFor(overrides, table)).toBe(4);
  expect(overrideFor(overrides, { ...table, schema: 'public' })).toBe(3);
  expect(overrideFor(overrides, { ...table, name: 'other' })).toBe(1);
  expect(overrideFor({ '*': null, '"invoices"': 'epoch' }, table)).toBe('epoch');
});

test('a pattern means a table by its name, with or without its schema, and nothing that only looks like it', () => {
  const table = { schema: 'Billing', name: 'a.b+c' };
  for (const pattern of ['a.b+c', 'Billing.a.b+c', '"Billing"."a.b+c"', 'a.*', 'Billing.*', '*', '*+c']) {
    expect([pattern, means(pattern, table)]).toEqual([pattern, true]);
  }
  for (const pattern of ['a.b', 'axb+c', 'billing.*', 'b+c', '', 'aab+c', 'a.b+cc']) {
    expect([pattern, means(pattern, table)]).toEqual([pattern, false]);
  }
});

test('what refers comes before what is referred to, and a cycle is one component', () => {
  const keys = [
    ['invoices', 'transactions'],
    ['transactions', 'accounts'],
    ['transactions', 'categories'],
    ['categories', 'categories'],
    ['cards', 'accounts'],
    ['accounts', 'cards'],
    ['unknown', 'accounts'],
  ] as const;
  const order = componentsInOrder(
    ['accounts', 'cards', 'categories', 'invoices', 'transactions', 'alone'],
    keys.map(([before, after]) => ({ before, after })),
  );
  const at = (node: string) => order.findIndex((component) => component.nodes.includes(node));
  expect(at('invoices')).toBeLessThan(at('transactions'));
  expect(at('transactions')).toBeLessThan(at('accounts'));
  expect(at('transactions')).toBeLessThan(at('categories'));
  expect(at('accounts')).toBe(at('cards'));
  expect(order.map(({ cyclic }) => cyclic).filter(Boolean)).toHaveLength(2);
  expect(order[at('alone')]).toEqual({ nodes: ['alone'], cyclic: false });
});

test('shards divide every table without gap or overlap, however it grows between their looks at it', () => {
  for (const blocks of [0, 1, 255, 256, 257, 5_000]) {
    const taken = new Map<number, number>();
    for (let index = 0; index < 3; index += 1) {
      // Each sees the table a little later, and larger.
      for (const { from, to } of rangesOfShard({ index, count: 3 }, '16391', blocks + 100 * index)) {
        for (let block = from; block < to; block += 1) taken.set(block, (taken.get(block) ?? 0) + 1);
      }
    }
    for (let block = 0; block < blocks; block += 1) expect(taken.get(block)).toBe(1);
  }
});

test('batches grow while they are quick, at most to the double, and shrink at once when they are slow', () => {
  const size = adaptiveBatchSize({ first: 100, most: 1_000 });
  const took = (ms: number, targetMs = 250) => size.took({ ms, targetMs, deleted: size.rows });
  took(1);
  expect(size.rows).toBe(200);
  took(200);
  expect(size.rows).toBe(250);
  for (let step = 0; step < 5; step += 1) took(10);
  expect(size.rows).toBe(1_000);
  took(1_000);
  expect(size.rows).toBe(250);
  for (let step = 0; step < 9; step += 1) took(60_000, 10);
  expect(size.rows).toBe(1);
});

test('batches are not made so small that only their commits are left', () => {
  const size = adaptiveBatchSize({ first: 1_000, most: 1_000 });
  const took = (ms: number, least?: number) =>
    size.took({ ms, targetMs: 2, deleted: size.rows, ...(least !== undefined && { least }) });
  for (let step = 0; step < 9; step += 1) took(10, 250);
  expect(size.rows).toBe(250);
  took(100);
  expect(size.rows).toBe(25);
  took(10, 250);
  expect(size.rows, 'nor made larger for that').toBe(25);
});

test('batches that meet no due row grow no larger than ten of due rows may be, by what is known of those', () => {
  const size = adaptiveBatchSize({ first: 5_000, most: 200_000 });
  const targetMs = 250;
  for (let step = 0; step < 9; step += 1) size.took({ ms: 1, targetMs, deleted: 0 });
  expect(size.rows).toBe(50_000);
  // Half a millisecond a row.
  size.took({ ms: 25_000, targetMs, deleted: 50_000 });
  for (let step = 0; step < 9; step += 1) size.took({ ms: 1, targetMs, deleted: 0 });
  expect(size.rows).toBe(5_000);
  // A hundredth of that.
  size.took({ ms: 25, targetMs, deleted: 5_000 });
  for (let step = 0; step < 9; step += 1) size.took({ ms: 1, targetMs, deleted: 3 });
  expect(size.rows).toBe(200_000);
});

describe('traffic', () => {
  const watched = () => {
    const clock = { ms: 0 };
    return { clock, traffic: watchTraffic(() => clock.ms) };
  };

  test('of others is what the transaction ids of this job do not explain', () => {
    const { clock, traffic } = watched();
    traffic.see(1_000n);
    for (let batch = 0; batch < 80; batch += 1) traffic.ownTransaction();
    clock.ms = 500;
    traffic.see(1_080n + 10n);
    expect(traffic.busy).toBe(false);
    clock.ms = 1_000;
    traffic.see(1_090n + 200n);
    expect(traffic.busy).toBe(true);
    clock.ms = 2_000;
    traffic.see(1_291n);
    expect(traffic.busy).toBe(false);
  });

  test('leaves out the time of own transactions whose ids cannot be counted', () => {
    const { clock, traffic } = watched();
    traffic.see(1_000n);
    for (let xid = 1_000n, batch = 0; batch < 20; batch += 1) {
      clock.ms += 10;
      traffic.see(xid);
      clock.ms += 200;
      xid += 5_000n;
      traffic.skipTo(xid);
    }
    expect(traffic.busy).toBe(false);
    clock.ms += 100;
    traffic.see(1_000n + 20n * 5_000n + 50n);
    expect(traffic.busy).toBe(true);
  });

  test('is not judged by a moment', () => {
    const { clock, traffic } = watched();
    traffic.see(1n);
    clock.ms = 10;
    traffic.see(1n);
    expect(traffic.busy, 'taken for granted until it is known').toBe(true);
    clock.ms = 500;
    traffic.see(1n);
    expect(traffic.busy).toBe(false);
    clock.ms = 510;
    traffic.see(50n);
    expect(traffic.busy).toBe(false);
  });
});

test('rows that refer come before those that they refer to, those of a cycle last, and what a held row needs stays', () => {
  const row = (at: string, parents: string[] = [], blocked = false) => ({ at, blocked, parents });
  expect(
    inOrder([row('root'), row('middle', ['root']), row('leaf', ['middle', 'root']), row('a', ['b']), row('b', ['a'])]),
  ).toEqual(['leaf', 'middle', 'root', 'a', 'b']);
  expect(
    inOrder([row('root'), row('middle', ['root']), row('leaf', ['middle'], true), row('other', ['root'])]),
  ).toEqual(['other']);
  expect(inOrder([row('a', ['b'], true), row('b', ['a'])])).toEqual([]);
});

test('a long chain needs no deep stack', () => {
  const chain = Array.from({ length: 50_000 }, (_, at) => ({
    at: String(at),
    blocked: false,
    parents: at === 0 ? [] : [String(at - 1)],
  }));
  expect(inOrder(chain).slice(0, 2)).toEqual(['49999', '49998']);
  expect(inOrder(chain.with(49_999, { ...(chain[49_999] as (typeof chain)[0]), blocked: true }))).toEqual([]);
});

test('steps back end with the first block, and begin with what an earlier run has not come to', () => {
  const whole = [{ kind: 'blocks', from: 0, to: 10 } as const];
  const steps = (ranges: Parameters<typeof inStepsBack>[0]) =>
    [...inStepsBack(ranges, () => 4)].map(({ from, to }) => [from, to]);
  expect(steps(whole)).toEqual([
    [6, 10],
    [2, 6],
    [0, 2],
  ]);
  expect(steps(startingAt(5 + 1, whole))).toEqual([
    [2, 6],
    [0, 2],
    [6, 10],
  ]);
});
