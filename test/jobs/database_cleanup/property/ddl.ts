// The model as SQL. Tables and rows come first, then keys and triggers: rows may refer to each other in cycles.
import { identifier, literal } from '../../../../src/jobs/database_cleanup/sql.ts';
import { FIRST_PART_BELOW, groupOf, type Key, type Model, type Row, type Table, type Trigger } from './model.ts';

/** Creates the model in the schema `schema`, with no more than it takes: to create and drop tables is most of the test's time. */
export function ddlOf(model: Model, schema: string): string {
  const has = (trigger: Trigger) => model.tables.some((table) => table.trigger === trigger);
  const children = new Set(model.keys.map(childOf));
  return [
    `create schema ${schema}; set search_path = ${schema};`,
    has('log') ? 'create table logged (tbl text, id int);' : '',
    has('unique')
      ? 'create table unique_audit (id int unique); insert into unique_audit select generate_series(1, 100, 3);'
      : '',
    has('not null') ? 'create table strict_audit (id int not null);' : '',
    ...model.tables.map((table) => createTable(model, table)),
    ...model.tables.filter(({ rows }) => rows.length > 0).map((table) => insertRows(model, table)),
    ...[...children].map((child) => createKeys(model, child)),
    ...model.keys
      .filter(({ indexed }) => indexed)
      .map((key) => `create index on ${childOf(key)} (${columnsOf(key).join(', ')});`),
    ...model.tables.map((table) => createTrigger(table, schema)),
    model.analyzed ? `analyze ${model.tables.map(({ name }) => identifier(name)).join(', ')};` : '',
  ]
    .filter((text) => text !== '')
    .join('\n');
}

/** The columns of a key in its child. */
export const columnsOf = (key: Key): string[] =>
  key.shape === 'single' ? [`${key.name}_id`] : [`${key.name}_grp`, `${key.name}_id`];

const keysOf = (model: Model, table: Table) => model.keys.filter(({ child }) => child === table);

function createTable(model: Model, table: Table): string {
  const name = identifier(table.name);
  const part = (suffix: string) => identifier(`${table.name}_${suffix}`);
  const columns = [
    'id int not null',
    'grp int not null',
    ...(table.column ? [`deleted_at ${table.column}${table.sentinel ? " not null default '-infinity'" : ''}`] : []),
    ...(table.wide ? ['pad text'] : []),
    ...keysOf(model, table).flatMap((key) =>
      columnsOf(key).map((column, at) => {
        const value = at === columnsOf(key).length - 1 ? key.fallback : key.fallback && groupOf(key.fallback);
        const byDefault = key.fallback === undefined ? '' : ` default ${value}`;
        const check = key.checked ? ` constraint ${key.name}_check check (${column} is not null or id % 2 = 0)` : '';
        return `${column} ${key.bigint ? 'bigint' : 'int'}${byDefault}${key.notNull ? ' not null' : ''}${check}`;
      }),
    ),
  ];
  const tail = {
    none: '',
    range: ' partition by range (id)',
    nested: ' partition by range (id)',
    attached: ' partition by range (id)',
    hash: ' partition by hash (id)',
  }[table.partitioning];
  const composite = model.keys.some(({ parent, shape }) => parent === table && shape !== 'single');
  const unique = ['primary key (id)', ...(composite ? ['unique (grp, id)'] : [])];
  const head = `create table ${name} (${[...columns, ...unique].join(', ')})${tail};`;
  const low = `for values from (minvalue) to (${FIRST_PART_BELOW})`;
  const high = `for values from (${FIRST_PART_BELOW}) to (maxvalue)`;
  const of = `partition of ${name}`;
  const parts = {
    none: [],
    range: [`create table ${part('1')} ${of} ${low};`, `create table ${part('2')} ${of} ${high};`],
    hash: [0, 1].map((n) => `create table ${part(`${n}`)} ${of} for values with (modulus 2, remainder ${n});`),
    nested: [
      `create table ${part('1')} ${of} ${low};`,
      `create table ${part('2')} ${of} ${high} partition by hash (id);`,
      ...[0, 1].map(
        (n) => `create table ${part(`2_${n}`)} partition of ${part('2')} for values with (modulus 2, remainder ${n});`,
      ),
    ],
    attached: [
      `create table ${part('1')} (${columns.toReversed().join(', ')});`,
      `alter table ${name} attach partition ${part('1')} ${low};`,
      `create table ${part('2')} ${of} ${high};`,
    ],
  }[table.partitioning];
  return [
    head,
    ...parts,
    table.wide ? `alter table ${name} alter pad set storage plain;` : '',
    table.column && table.indexed ? `create index on ${name} (deleted_at);` : '',
  ]
    .filter((text) => text !== '')
    .join('\n');
}

function insertRows(model: Model, table: Table): string {
  const keys = keysOf(model, table);
  const columns = [
    ...['id', 'grp', ...(table.column ? ['deleted_at'] : []), ...(table.wide ? ['pad'] : [])],
    ...keys.flatMap(columnsOf),
  ];
  const rows = table.rows.map((row) => {
    const values = [
      ...[row.id, groupOf(row.id)],
      ...(table.column ? [deletedAt(table, row)] : []),
      ...(table.wide ? [`repeat('x', 2000)`] : []),
      ...keys.flatMap((key) => reference(key, row)),
    ];
    return `(${values.join(', ')})`;
  });
  return `insert into ${identifier(table.name)} (${columns.join(', ')}) values\n  ${rows.join(',\n  ')};`;
}

function reference(key: Key, row: Row): (number | string)[] {
  const to = row.refs.get(key.name);
  if (to !== undefined) return key.shape === 'single' ? [to] : [groupOf(to), to];
  // Beyond the partition that the key is about, anything may stand there.
  if (key.notNull) return key.shape === 'single' ? [777] : [0, 777];
  if (key.shape === 'composite' && row.id % 2 === 0) return [groupOf(row.id), 'null'];
  return key.shape === 'single' ? ['null'] : ['null', 'null'];
}

function deletedAt(table: Table, row: Row): string {
  if (row.age === 'due') return `now() - interval '${row.id % 2 === 0 ? 92 : 1_000} days ${row.id} seconds'`;
  if (row.age === 'live') return table.sentinel ? `'-infinity'` : 'null';
  return ['now()', `now() - interval '88 days'`, `now() + interval '1 day'`, `'infinity'`][row.id % 4] as string;
}

/** What a key's constraint is on, as SQL: its child, or the first partition of that. */
const childOf = (key: Key): string => identifier(key.childPart ? `${key.child.name}_1` : key.child.name);

/** All keys of one child in one statement. */
function createKeys({ keys }: Model, child: string): string {
  const constraints = keys.filter((key) => childOf(key) === child).map(constraintOf);
  return `alter table ${child} ${constraints.join(',\n  ')};`;
}

function constraintOf(key: Key): string {
  const parent = identifier(key.parentPart ? `${key.parent.name}_1` : key.parent.name);
  return [
    `add constraint ${key.name} foreign key (${columnsOf(key).join(', ')})`,
    ` references ${parent} (${key.shape === 'single' ? 'id' : 'grp, id'})`,
    key.shape === 'composite full' ? ' match full' : '',
    ` on delete ${key.onDelete}${key.deferred ? ' deferrable initially deferred' : ''}`,
  ].join('');
}

function createTrigger(table: Table, schema: string): string {
  if (!table.trigger) return '';
  const name = identifier(table.name);
  const procedure = identifier(`f_${table.name}`);
  const refused = 'old.id % 3 = 1';
  const body = {
    log: `insert into logged values (${literal(table.name)}, old.id);`,
    'return null': `if ${refused} then return null; end if;`,
    raise: `if ${refused} then raise 'not this one: %', old.id; end if;`,
    'raise after': `if ${refused} then raise 'not this one'; end if;`,
    'raise own state': `if ${refused} then raise sqlstate 'ZX001'; end if;`,
    unique: `if ${refused} then insert into unique_audit values (old.id); end if;`,
    'not null': `if ${refused} then insert into strict_audit values (null); end if;`,
    'division by zero': `if ${refused} then perform 1 / (old.id - old.id); end if;`,
    'raise at commit': `if ${refused} then raise 'not at commit'; end if;`,
  }[table.trigger];
  const before = ['return null', 'raise', 'raise own state', 'not null', 'division by zero'].includes(table.trigger);
  const kind =
    table.trigger === 'raise at commit'
      ? `constraint trigger tr after delete on ${name} deferrable initially deferred`
      : `trigger tr ${before ? 'before' : 'after'} delete on ${name}`;
  return `create function ${procedure} () returns trigger language plpgsql set search_path = ${schema} as $$ begin ${body} return old; end $$;
create ${kind} for each row execute function ${procedure} ();`;
}
