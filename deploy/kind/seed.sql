-- What the jobs work on: rows that are due, rows that aren't yet, live rows, and transactions of the last three weeks.
SET client_min_messages = warning;
CREATE TABLE IF NOT EXISTS payments (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  occurred_at timestamptz NOT NULL,
  type text NOT NULL,
  category text,
  account text NOT NULL,
  currency text NOT NULL,
  amount numeric(14, 2) NOT NULL,
  deleted_at timestamptz
);
CREATE INDEX IF NOT EXISTS payments_deleted_at ON payments (deleted_at);
CREATE INDEX IF NOT EXISTS payments_occurred_at ON payments (occurred_at);
CREATE OR REPLACE VIEW report_transactions AS
  SELECT occurred_at, type, category, account, currency, amount FROM payments WHERE deleted_at IS NULL;

INSERT INTO payments (occurred_at, type, category, account, currency, amount, deleted_at)
SELECT
  now() - (n % 21) * interval '1 day',
  CASE n % 3 WHEN 0 THEN 'income' ELSE 'expense' END,
  'category ' || n % 5,
  'account ' || n % 7,
  'EUR',
  n / 7.0,
  CASE n % 4 WHEN 0 THEN now() - interval '200 days' WHEN 1 THEN now() - interval '10 days' END
FROM generate_series(1, 800) n;
