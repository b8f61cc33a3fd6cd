-- What is declared of each table's column, and of the same column of its partitions. $1: the tables' object ids, $2: the columns.
-- A default of NULL is none; infinity is never due, so it may well stand for live rows.
select
  r.oid::text as oid,
  bool_or(a.attnotnull or exists (
    with recursive chain as (
      select t.oid, t.typtype, t.typbasetype, t.typnotnull from pg_catalog.pg_type t where t.oid = a.atttypid
      union all
      select t.oid, t.typtype, t.typbasetype, t.typnotnull
      from chain join pg_catalog.pg_type t on t.oid = chain.typbasetype where chain.typtype = 'd'
    )
    select from chain where typtype = 'd' and typnotnull
  )) as "notNull",
  max(own.byDefault) filter (where own.byDefault !~ '^NULL($|[^[:alnum:]_])') as "byDefault"
from unnest($1::oid[], $2::text[]) as r (oid, col)
cross join lateral (select r.oid as relid union select p.relid::oid from pg_partition_tree(r.oid) p) as tree
join pg_catalog.pg_attribute a on a.attrelid = tree.relid and a.attname = r.col and not a.attisdropped
join pg_catalog.pg_type t on t.oid = a.atttypid
left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum and a.attgenerated = ''
cross join lateral (select coalesce(pg_get_expr(d.adbin, d.adrelid), t.typdefault)) as own (byDefault)
group by r.oid
