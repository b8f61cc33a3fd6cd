-- What the run must know of the server. $1: the scheduled time, $2: the time zone (an unknown one is an error here and not later).
-- The base is never later than the database's own clock: a pod whose clock is ahead, or a scheduled time in the future, must
-- not shorten anybody's retention. It is the scheduled time otherwise, so that retries and shards agree on one cutoff.
select
  current_setting('server_version_num')::int as version,
  current_setting('block_size')::int as "blockSize",
  current_user as role,
  current_setting('transaction_read_only')::bool as "readOnly",
  pg_is_in_recovery() as "inRecovery",
  least($1::timestamptz, now()) as base,
  pg_snapshot_xmax(pg_current_snapshot())::text as "nextXid",
  current_setting('session_replication_role') = 'replica' as "replicaRole",
  now() at time zone $2::text as checked
