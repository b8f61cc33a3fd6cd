-- What is declared of each table's column, and of the same column of its partitions. $1: the tables' object ids, $2: the columns.
-- A default of NULL is none; infinity is never due, so it may well stand for live rows.
with tree as materialized (
  -- All at once, or the planner may read every column of the database anew for each table.
  select r.oid as root, r.col, p.relid
  from unnest($1::oid[], $2::text[]) as r (oid, col)
  cross join lateral (select r.oid as relid union select p.relid::oid from pg_partition_tree(r.oid) p) as p
)
select
  tree.root::text as oid,
  -- Domains only: the chain may be looked for by reading all types, of which each table has two.
  bool_or(a.attnotnull or t.typtype = 'd' and exists (
    with recursive chain as (
      select t.oid, t.typtype, t.typbasetype, t.typnotnull from pg_catalog.pg_type t where t.oid = a.atttypid
      union all
      select t.oid, t.typtype, t.typbasetype, t.typnotnull
      from chain join pg_catalog.pg_type t on t.oid = chain.typbasetype where chain.typtype = 'd'
    )
    select from chain where typtype = 'd' and typnotnull
  )) as "notNull",
  max(own.byDefault) filter (where own.byDefault !~ '^NULL($|[^[:alnum:]_])') as "byDefault"
from tree
join pg_catalog.pg_attribute a on a.attrelid = tree.relid and a.attname = tree.col and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''
cross join lateral (select coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault)) as own (byDefault)
group by tree.root
