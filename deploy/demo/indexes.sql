-- Made once the rows are there. There is none on invoices.deleted_at: database_cleanup says so.
create index on cards (account_id);
create index on categories (parent_id);
create index on transactions (account_id);
create index on transactions (card_id);
create index on transactions (category_id);
create index on transactions (occurred_at);
create index on transactions (deleted_at) where deleted_at is not null;
create index on invoices (transaction_id);
create index on accounts (deleted_at) where deleted_at is not null;
create index on cards (deleted_at) where deleted_at is not null;
create index on categories (deleted_at) where deleted_at is not null;
analyze;
