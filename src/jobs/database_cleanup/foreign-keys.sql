-- Every foreign key that points at one of these tables, or at a partition of one. $1: object ids of tables and partitions.
-- conparentid = 0 leaves out the copies that PostgreSQL makes for partitions, on either side.
-- confdelsetcols came with version 15 and conenforced with 18: to_jsonb reads them where they exist.
select
  k.oid::text as oid,
  k.conname as name,
  coalesce(pg_partition_root(k.conrelid), k.conrelid)::oid::text as "childOid",
  format('%s%I.%I', case c.relkind when 'r' then 'only ' else '' end, cn.nspname, c.relname) as child,
  format('%s.%s', cn.nspname, c.relname) as "childLabel",
  coalesce(pg_partition_root(k.confrelid), k.confrelid)::oid::text as "parentOid",
  k.confrelid::text as "parentExactOid",
  array(
    select a.attname::text from unnest(k.conkey) with ordinality as u (num, at)
    join pg_catalog.pg_attribute a on a.attrelid = k.conrelid and a.attnum = u.num order by u.at
  ) as "childColumns",
  array(
    select a.attname::text from unnest(k.confkey) with ordinality as u (num, at)
    join pg_catalog.pg_attribute a on a.attrelid = k.confrelid and a.attnum = u.num order by u.at
  ) as "parentColumns",
  array(
    select format('operator(%I.%s)', n.nspname, o.oprname) from unnest(k.conpfeqop) with ordinality as u (op, at)
    join pg_catalog.pg_operator o on o.oid = u.op
    join pg_catalog.pg_namespace n on n.oid = o.oprnamespace order by u.at
  ) as operators,
  case k.confdeltype
    when 'r' then 'restrict' when 'c' then 'cascade' when 'n' then 'set null' when 'd' then 'set default' else 'no action'
  end as "onDelete",
  k.confdeltype in ('n', 'd') and exists (
    select from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    where a.attrelid = k.conrelid
      and (a.attnotnull or t.typnotnull)
      and (k.confdeltype = 'n' or not a.atthasdef)
      and case jsonb_typeof(to_jsonb(k) -> 'confdelsetcols')
        when 'array' then to_jsonb(k) -> 'confdelsetcols' @> to_jsonb(a.attnum)
        else a.attnum = any (k.conkey)
      end
  ) as "setsNullInNotNull",
  exists (
    select from pg_catalog.pg_index i
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = k.conrelid and i.indisvalid and i.indkey[0] = any (k.conkey)
      and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', a.attname))
  ) as indexed,
  (
    pg_relation_size(k.conrelid)
    + coalesce((select sum(pg_relation_size(p.relid)) from pg_catalog.pg_partition_tree(k.conrelid) p where p.relid <> k.conrelid), 0)
  )::float8 as "childBytes",
  has_schema_privilege(c.relnamespace, 'USAGE') and has_table_privilege(k.conrelid, 'SELECT')
    and not row_security_active(k.conrelid) as readable
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
where k.contype = 'f'
  and k.conparentid = 0
  and k.confrelid = any ($1::oid[])
  and coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
order by k.conrelid, k.conname
