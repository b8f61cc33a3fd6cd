-- The one view that report_generator reads; any schema can feed it by creating this view.
create view report_transactions as
select
  t.occurred_at,
  t.type,
  coalesce(parent.name, c.name) as category,
  a.owner as account,
  a.currency::text as currency,
  t.amount
from transactions t
join accounts a on a.id = t.account_id
left join categories c on c.id = t.category_id
left join categories parent on parent.id = c.parent_id
where t.deleted_at is null;
