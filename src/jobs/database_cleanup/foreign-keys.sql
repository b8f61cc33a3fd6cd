-- Every foreign key that points at one of these tables, or at a partition of one. $1: object ids of tables and partitions.
-- conparentid = 0 leaves out the copies that PostgreSQL makes for partitions, on either side.
-- confdelsetcols came with version 15 and conenforced with 18: to_jsonb reads them where they exist.
select
  k.oid::text as oid,
  k.conname as name,
  coalesce(pg_partition_root(k.conrelid), k.conrelid)::oid::text as "childOid",
  format('%s%I.%I', case c.relkind when 'r' then 'only ' else '' end, cn.nspname, c.relname) as child,
  format(
    '%s.%s',
    case when cn.nspname like '%.%' then '"' || replace(cn.nspname, '"', '""') || '"' else cn.nspname end,
    case when c.relname like '%.%' then '"' || replace(c.relname, '"', '""') || '"' else c.relname end
  ) as "childLabel",
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
  -- Where the two columns' collations differ, that of the child's, so that its index serves. Both are deterministic: what equals is the same.
  array(
    select case when pa.attcollation <> ca.attcollation and ca.attcollation <> 0
      then format(' collate %I.%I', ln.nspname, l.collname) else '' end
    from unnest(k.conkey, k.confkey) with ordinality as u (child, parent, at)
    join pg_catalog.pg_attribute ca on ca.attrelid = k.conrelid and ca.attnum = u.child
    join pg_catalog.pg_attribute pa on pa.attrelid = k.confrelid and pa.attnum = u.parent
    left join pg_catalog.pg_collation l on l.oid = ca.attcollation
    left join pg_catalog.pg_namespace ln on ln.oid = l.collnamespace
    order by u.at
  ) as collations,
  -- ALTER TABLE … DISABLE TRIGGER ALL leaves the constraint, and takes its actions and checks.
  -- Each partition of the parent has triggers of its own, by a copy of the constraint. tgtype: 8 is on delete.
  not exists (
    select from pg_catalog.pg_trigger g
    where g.tgconstraint = k.oid and g.tgrelid = k.confrelid and g.tgenabled in ('D', 'R') and g.tgtype & 8 = 8
  ) and not (p.relkind = 'p' and exists (
    with recursive copy as (
      select k.oid union all select d.oid from copy join pg_catalog.pg_constraint d on d.conparentid = copy.oid
    )
    select from copy join pg_catalog.pg_trigger g on g.tgconstraint = copy.oid
    where g.tgenabled in ('D', 'R') and g.tgtype & 8 = 8
      and g.tgrelid in (select relid from pg_catalog.pg_partition_tree(k.confrelid))
  )) as "actsOnDelete",
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
  not exists (
    select from pg_catalog.pg_rewrite r where r.ev_class = k.conrelid
  ) and not exists (
    select from pg_catalog.pg_trigger g
    where not g.tgisinternal
      and g.tgrelid in (select k.conrelid union all select t.relid from pg_catalog.pg_partition_tree(k.conrelid) t)
  ) as quiet,
  (
    pg_relation_size(k.conrelid)
    + coalesce((select sum(pg_relation_size(t.relid)) from pg_catalog.pg_partition_tree(k.conrelid) t where t.relid <> k.conrelid), 0)
  )::float8 as "childBytes",
  has_schema_privilege(c.relnamespace, 'USAGE') and has_table_privilege(k.conrelid, 'SELECT')
    and not row_security_active(k.conrelid) as readable
from pg_catalog.pg_constraint k
join pg_catalog.pg_class c on c.oid = k.conrelid
join pg_catalog.pg_namespace cn on cn.oid = c.relnamespace
join pg_catalog.pg_class p on p.oid = k.confrelid
where k.contype = 'f'
  and k.conparentid = 0
  and k.confrelid = any ($1::oid[])
  and coalesce((to_jsonb(k) ->> 'conenforced')::bool, true)
order by k.conrelid, k.conname
