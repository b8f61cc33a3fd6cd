// The shapes of tables that database_cleanup is measured on, each beside plain DELETEs of the same rows.

export interface Shape {
  readonly name: string;
  /** Creates the tables, in an empty schema `public`, with their rows. */
  readonly fill: readonly string[];
  /** Deletes the rows that are due and can go, one statement after another. */
  readonly plain: readonly string[];
}

const OLD = `now() - interval '100 days'`;
const DUE = `deleted_at < now() - interval '90 days'`;

const LEVELS = 8;
const TREE_DUE = (level: number) => `delete from node where ${DUE} and level = ${level}
  and not exists (select from node c where c.parent_id = node.id)`;

const refuseOneInSeven = `
  create function refuse() returns trigger language plpgsql as $$ begin
    if old.id % 7 = 0 then return null; end if; return old; end $$;
  create trigger refuse before delete on item for each row execute function refuse();`;

/** One row that raises undoes a plain DELETE of all: who doesn't know which rows do so has to delete each by itself. */
const raiseOneIn700 = `
  create function raise() returns trigger language plpgsql as $$ begin
    if old.id % 700 = 0 then raise 'stays'; end if; return null; end $$;
  create trigger raise after delete on item for each row execute function raise();
  create function delete_each() returns setof int language plpgsql as $$ declare at tid; begin
    for at in select ctid from item where ${DUE} loop
      begin
        delete from item where ctid = at;
        return next 1;
      exception when others then null;
      end;
    end loop; end $$;`;

const writeDown = `
  create table audit (item_id int, at timestamptz);
  create function write_down() returns trigger language plpgsql as $$ begin
    insert into audit values (old.id, now()); return null; end $$;
  create trigger write_down after delete on item for each row execute function write_down();`;

const items = (rows: number, more = '') => [
  `create table item (id int primary key, name text, deleted_at timestamptz)`,
  `insert into item select i, 'name of ' || i, case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, ${rows}) i`,
  ...(more === '' ? [] : [more]),
  'vacuum analyze item',
];

export const SHAPES: readonly Shape[] = [
  {
    name: 'a reference without an index, 20,000 rows each',
    fill: [
      `create table "Order" (a int, b int, deleted_at timestamptz, primary key (a, b))`,
      `insert into "Order" select i / 100, i, case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 20000) i`,
      `create table line (id int primary key, a int, b int, note text)`,
      `insert into line select i, i / 100, i, 'note of ' || i from generate_series(1, 20000) i where i % 10 <> 0`,
      `alter table line add foreign key (a, b) references "Order" (a, b)`,
      'vacuum analyze "Order", line',
    ],
    plain: [
      `delete from "Order" where ${DUE} and not exists (select from line where line.a = "Order".a and line.b = "Order".b)`,
    ],
  },
  {
    name: '200 tables of 1,000 rows',
    fill: [
      `do $$ begin for n in 1 .. 200 loop
         execute format('create table t%s (id int primary key, name text, deleted_at timestamptz)', n);
         execute format('insert into t%s select i, ''name of '' || i, case when i %% 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 1000) i', n);
       end loop; end $$`.replaceAll(/interval '(100 days|1 s)'/g, "interval ''$1''"),
      'vacuum analyze',
    ],
    plain: Array.from({ length: 200 }, (_, at) => `delete from t${at + 1} where ${DUE}`),
  },
  {
    name: 'a table of 400 partitions',
    fill: [
      `create table item (id int, name text, deleted_at timestamptz, primary key (id)) partition by range (id)`,
      `do $$ begin for n in 0 .. 399 loop
         execute format('create table item_%s partition of item for values from (%s) to (%s)', n, n * 500, (n + 1) * 500);
       end loop; end $$`,
      `insert into item select i, 'name of ' || i, case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 199999) i`,
      'vacuum analyze item',
    ],
    plain: [`delete from item where ${DUE}`],
  },
  {
    name: 'wide rows in TOAST',
    fill: [
      `create table item (id int primary key, body text, deleted_at timestamptz)`,
      'alter table item alter body set storage external',
      `insert into item select i, repeat(md5(i::text), 300), case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 20000) i`,
      'vacuum analyze item',
    ],
    plain: [`delete from item where ${DUE}`],
  },
  {
    name: 'statistics from before the soft deletes',
    fill: [
      `create table item (id int primary key, deleted_at timestamptz)`,
      'create table part (id int primary key, item_id int references item, deleted_at timestamptz)',
      'create index on part (item_id)',
      'create index on item (deleted_at)',
      'insert into item select i from generate_series(1, 100000) i',
      'insert into part select i, i from generate_series(1, 100000) i',
      'vacuum analyze item, part',
      `update part set deleted_at = ${OLD} - id * interval '1 s' where id % 5 < 3`,
      `update item set deleted_at = ${OLD} - id * interval '1 s' where id % 5 < 3`,
    ],
    plain: [
      `delete from part where ${DUE}`,
      `delete from item where ${DUE} and not exists (select from part where part.item_id = item.id)`,
    ],
  },
  {
    name: `a tree of depth ${LEVELS} that refers to itself`,
    fill: [
      `create table node (id int primary key, level int, parent_id int references node, deleted_at timestamptz)`,
      `insert into node select i, level, case when level > 1 then i - 10000 end, case when i % 10 < 6 then ${OLD} - i * interval '1 s' end
         from generate_series(1, ${LEVELS}) level, lateral generate_series((level - 1) * 10000 + 1, level * 10000) i`,
      'create index on node (parent_id)',
      'vacuum analyze node',
    ],
    plain: Array.from({ length: LEVELS }, (_, at) => TREE_DUE(LEVELS - at)),
  },
  {
    name: 'a chain of 20,000 rows in no order, each referring to the one before',
    fill: [
      'create table version (id int primary key, previous_id int, deleted_at timestamptz)',
      `insert into version select i, nullif(i - 1, 0), ${OLD} - i * interval '1 s' from generate_series(1, 20000) i order by md5(i::text)`,
      'insert into version values (0, null, null)',
      'alter table version add foreign key (previous_id) references version',
      'create index on version (previous_id)',
      'vacuum analyze version',
    ],
    plain: [`delete from version where ${DUE}`],
  },
  {
    name: 'a reference with ON DELETE CASCADE',
    fill: [
      `create table item (id int primary key, name text, deleted_at timestamptz)`,
      `create table part (id int primary key, item_id int references item on delete cascade, deleted_at timestamptz)`,
      `insert into item select i, 'name of ' || i, case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 50000) i`,
      `insert into part select i, i, case when i % 5 < 3 then ${OLD} - i * interval '1 s' end from generate_series(1, 50000) i`,
      'create index on part (item_id)',
      'vacuum analyze item, part',
    ],
    plain: [
      `delete from part where ${DUE}`,
      `delete from item where ${DUE} and not exists (select from part where part.item_id = item.id)`,
    ],
  },
  {
    name: 'a trigger that writes down each delete',
    fill: items(100_000, writeDown),
    plain: [`delete from item where ${DUE}`],
  },
  {
    name: 'a trigger that refuses one row in seven',
    fill: items(100_000, refuseOneInSeven),
    plain: [`delete from item where ${DUE}`],
  },
  {
    // Beside a loop on the server, since a plain DELETE deletes nothing: the goal says nothing of it.
    name: 'a trigger that raises for one row in 700 (no goal)',
    fill: items(100_000, raiseOneIn700),
    plain: ['select from delete_each()'],
  },
];
