-- The table that exchange_rates writes to; it belongs to your own migrations.
CREATE TABLE exchange_rates (
  day      date    NOT NULL,
  currency text    NOT NULL,
  rate     numeric NOT NULL,
  PRIMARY KEY (day, currency)
);
