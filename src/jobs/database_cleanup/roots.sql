-- What is true of each table as a whole. $1: object ids.
select
  c.oid::text as oid,
  array(
    select p from unnest(array['SELECT', 'DELETE']) as p where not has_table_privilege(c.oid, p)
    union all
    select 'UPDATE' where not has_any_column_privilege(c.oid, 'UPDATE')
  ) as missing,
  has_schema_privilege(c.relnamespace, 'USAGE') as "schemaUsable",
  row_security_active(c.oid) as "rowSecurity",
  -- DELETE rules (8.4-style soft deletes) turn our statement into another one.
  array(
    select r.rulename::text from pg_catalog.pg_rewrite r
    where r.ev_class = c.oid and r.ev_type = '4' and r.ev_enabled in ('O', 'A')
  ) as rules,
  -- tgtype: 1 is for each row, 2 before, 8 on delete. 'O' and 'A' fire in a normal session.
  coalesce((
    select json_agg(json_build_object('name', g.tgname, 'row', g.tgtype & 1 = 1, 'before', g.tgtype & 2 = 2))
    from pg_catalog.pg_trigger g
    where not g.tgisinternal
      and g.tgtype & 8 = 8
      and g.tgenabled in ('O', 'A')
      and g.tgrelid in (
        select c.oid union all
        -- Those of partitions, also of partitioned ones, but not the copies that PostgreSQL makes for the partitions below.
        select p.relid from pg_catalog.pg_partition_tree(c.oid) p where g.tgparentid = 0
      )
  ), '[]'::json) as triggers
from pg_catalog.pg_class c
where c.oid = any ($1::oid[])
