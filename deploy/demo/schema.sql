-- The demo's bank. Rows are soft-deleted: `deleted_at` says when, and database_cleanup deletes them for good 90 days later.

create table accounts (
  id bigint primary key,
  owner text not null,
  currency char(3) not null,
  opened_at timestamptz not null,
  deleted_at timestamptz
);

-- A tree: categories refer to categories.
create table categories (
  id int primary key,
  parent_id int references categories,
  name text not null,
  deleted_at timestamptz
);

create table cards (
  id bigint primary key,
  account_id bigint not null references accounts,
  last_four char(4) not null,
  deleted_at timestamptz
);

create table transactions (
  id bigint primary key,
  account_id bigint not null references accounts,
  -- A card that goes leaves its transactions behind.
  card_id bigint references cards on delete set null,
  category_id int references categories on delete restrict,
  type text not null,
  amount numeric(14, 2) not null,
  occurred_at timestamptz not null,
  deleted_at timestamptz
);

-- A live invoice keeps its transaction: database_cleanup never lets a cascade take rows that aren't due themselves.
create table invoices (
  id bigint primary key,
  transaction_id bigint not null references transactions on delete cascade,
  number text not null,
  issued_on date not null,
  deleted_at timestamp
);
