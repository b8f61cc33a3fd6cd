-- Every table that could be cleaned. $1: schemas (null for all), $2: the names that the column may have.
-- Views, foreign and temporary tables have nothing to delete or aren't ours; partitions come with their table; the system's schemas
-- and the run's own are never touched.
select
  c.oid::text as oid,
  n.nspname as schema,
  c.relname as name,
  c.relkind = 'p' as partitioned,
  json_object_agg(a.attname, json_build_object(
    'type', format_type(a.atttypid, a.atttypmod),
    'time', case when base.oid in ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype) then base.typname end
  )) as columns
from pg_catalog.pg_class c
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
-- A domain may be over another one.
cross join lateral (
  with recursive chain as (
    select t.oid, t.typname, t.typtype, t.typbasetype from pg_catalog.pg_type t where t.oid = a.atttypid
    union all
    select t.oid, t.typname, t.typtype, t.typbasetype
    from chain join pg_catalog.pg_type t on t.oid = chain.typbasetype where chain.typtype = 'd'
  )
  select chain.oid, chain.typname from chain where chain.typtype <> 'd'
) as base
where c.relkind in ('r', 'p')
  and not c.relispartition
  and c.relpersistence <> 't'
  and ($1::text[] is null or n.nspname = any ($1))
  and n.nspname !~ '^pg_'
  and n.nspname not in ('information_schema', 'run_job')
  and a.attname = any ($2)
group by c.oid, n.nspname, c.relname, c.relkind
order by n.nspname, c.relname
