-- The tables that hold the rows. $1: the tables' object ids, $2: the column of each.
-- A partition may hold its columns in another order, and have indexes, policies, rights and triggers of its own.
with recursive published as materialized (
  select distinct g.relid::text as relid
  from pg_catalog.pg_publication p cross join lateral pg_get_publication_tables(p.pubname) g
  where p.pubdelete
),
tree as (
  select r.oid as root, r.oid as oid, array[r.oid::text] as path, r.col
  from unnest($1::oid[], $2::text[]) as r (oid, col)
  union all
  select tree.root, i.inhrelid, tree.path || i.inhrelid::text, tree.col
  from tree
  join pg_catalog.pg_class p on p.oid = tree.oid and p.relkind = 'p'
  join pg_catalog.pg_inherits i on i.inhparent = tree.oid
)
select
  tree.root::text as root,
  c.oid::text as oid,
  tree.path,
  n.nspname as schema,
  c.relname as name,
  c.relkind = 'f' as foreign,
  coalesce(am.amname, 'heap') as access,
  coalesce(pg_relation_size(c.oid), 0)::float8 as bytes,
  case when c.relpages > 0 and c.reltuples > 0 then c.reltuples::float8 / c.relpages end as "rowsPerBlock",
  array(
    select p from unnest(array['SELECT', 'DELETE']) as p where not has_table_privilege(c.oid, p)
    union all
    select 'UPDATE' where not has_any_column_privilege(c.oid, 'UPDATE')
  ) as missing,
  row_security_active(c.oid) as "rowSecurity",
  exists (
    select from pg_catalog.pg_index i
    join pg_catalog.pg_class ic on ic.oid = i.indexrelid
    join pg_catalog.pg_am iam on iam.oid = ic.relam and iam.amname = 'btree'
    join pg_catalog.pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
    where i.indrelid = c.oid
      and i.indisvalid
      and a.attname = tree.col
      and (i.indpred is null or pg_get_expr(i.indpred, i.indrelid) = format('(%I IS NOT NULL)', tree.col))
  ) as indexed,
  exists (select from published where published.relid = any (tree.path))
    and c.relreplident <> 'f'
    and not exists (
      select from pg_catalog.pg_index i
      where i.indrelid = c.oid and i.indisvalid and i.indimmediate
        and case c.relreplident when 'd' then i.indisprimary when 'i' then i.indisreplident else false end
    ) as "lacksIdentity",
  exists (select from published where published.relid = any (tree.path)) as published,
  exists (
    select from pg_catalog.pg_rewrite r where r.ev_class = c.oid and r.ev_type = '4' and r.ev_enabled in ('O', 'A')
  ) as ruled,
  pg_get_partition_constraintdef(c.oid) as bounds
from tree
join pg_catalog.pg_class c on c.oid = tree.oid
join pg_catalog.pg_namespace n on n.oid = c.relnamespace
left join pg_catalog.pg_am am on am.oid = c.relam
where c.relkind in ('r', 'f')
order by tree.root, c.oid
