// Makes up a database from a seed.
import {
  type Age,
  FIRST_PART_BELOW,
  type Key,
  type Model,
  type OnDelete,
  type Row,
  type Table,
  type Trigger,
} from './model.ts';
import { type Random, randomFrom } from './random.ts';

const ACTIONS: readonly OnDelete[] = ['no action', 'no action', 'restrict', 'cascade', 'set null', 'set default'];
const TRIGGERS: readonly Trigger[] = [
  ...(['log', 'return null', 'raise', 'raise after', 'raise own state'] as const),
  ...(['unique', 'not null', 'division by zero', 'raise at commit'] as const),
];

export function generate(seed: number): Model {
  const random = randomFrom(seed);
  const allowCascade = random.chance(0.1);
  // What a cascade takes is refused by triggers in ways that depend on the order of deletes, which nobody promises.
  const cycles = random.chance(0.6);
  const triggers = allowCascade ? 0 : random.pick([0, 0.15, 0.4]);
  const tables = Array.from({ length: 5 + random.below(8) }, (_, at) => makeTable(random, at, triggers));
  const keys = Array.from({ length: 2 + random.below(2 * tables.length) }, (_, at) =>
    makeKey(random, at, tables, cycles),
  );
  for (const key of keys) for (const row of key.child.rows) refer(random, key, row);
  return {
    seed,
    tables,
    keys,
    analyzed: random.chance(0.3),
    shards: random.chance(0.15) ? 2 : 1,
    params: {
      allowCascade,
      batchSize: random.pick([1, 4, 30, 5_000]),
      maxBatchSize: random.pick([5, 100, 200_000]),
      ...(!allowCascade && random.chance(0.35) && { archiveSchema: `archive_${seed}` }),
    },
  };
}

function makeTable(random: Random, at: number, triggers: number): Table {
  const soft = random.chance(0.85);
  const due = random.pick([0.1, 0.5, 0.9]);
  const wide = random.chance(0.2);
  const sentinel = soft && random.chance(0.03);
  const rows = Array.from({ length: random.below(13) }, (_, id): Row => {
    const age = !soft ? 'live' : random.chance(due) ? 'due' : sentinel ? 'live' : random.pick<Age>(['live', 'recent']);
    return { id: id + 1, age, refs: new Map() };
  });
  // Where every row is due the table is refused, as a mistake would look just like it.
  rows.push({ id: rows.length + 1, age: 'live', refs: new Map() });
  return {
    name: random.pick([`t${at}`, `t${at}`, `T "${at}".x`]),
    column: soft
      ? sentinel
        ? 'timestamptz'
        : random.pick(['timestamptz', 'timestamptz', 'timestamp', 'date'])
      : undefined,
    sentinel,
    partitioning: random.pick(['none', 'none', 'none', 'none', 'range', 'hash', 'nested', 'attached']),
    wide,
    indexed: random.chance(0.4),
    trigger: soft && random.chance(triggers) ? random.pick(TRIGGERS) : undefined,
    rows,
  };
}

function makeKey(random: Random, at: number, tables: readonly Table[], cycles: boolean): Key {
  // Most keys point at an earlier table, as in most schemas; the others close cycles, or are a table's own.
  const [one, other] = [random.below(tables.length), random.below(tables.length)];
  const cyclic = cycles && random.chance(0.3);
  const child = tables[cyclic ? one : Math.max(one, other)] as Table;
  const parent = tables[cyclic ? other : Math.min(one, other)] as Table;
  const onDelete = random.pick(ACTIONS);
  const live = parent.rows.find((row) => row.age !== 'due');
  const fallback = onDelete === 'set default' ? random.pick([undefined, live?.id, 999]) : undefined;
  const shape = random.pick(['single', 'single', 'single', 'composite', 'composite full'] as const);
  // PostgreSQL itself can't add some keys between a table and a partition of its own.
  const parted = (table: Table) =>
    child !== parent && ['range', 'nested', 'attached'].includes(table.partitioning) && random.chance(0.2);
  const parentPart = parted(parent);
  const childPart = parted(child);
  return {
    name: `k${at}`,
    child,
    parent,
    onDelete,
    shape,
    fallback: parentPart && fallback !== undefined && fallback >= FIRST_PART_BELOW ? undefined : fallback,
    notNull: random.chance(0.15),
    // Whether a row of a cycle passes its check depends on which of them goes first.
    checked:
      !cycles &&
      !childPart &&
      child !== parent &&
      shape === 'single' &&
      ['set null', 'set default'].includes(onDelete) &&
      random.chance(0.2),
    indexed: random.chance(0.6),
    bigint: random.chance(0.2),
    deferred: random.chance(0.15),
    childPart,
    parentPart,
  };
}

function refer(random: Random, key: Key, row: Row): void {
  if (key.childPart && row.id >= FIRST_PART_BELOW) return;
  const possible = key.parent.rows.filter(({ id }) => !key.parentPart || id < FIRST_PART_BELOW);
  const needed = key.notNull || (key.checked && row.id % 2 === 1);
  if (possible.length === 0) throw new Error('a parent has at least one row, and it is in the first partition');
  if (needed || random.chance(0.5)) row.refs.set(key.name, random.pick(possible).id);
}
