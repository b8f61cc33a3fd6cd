-- How runs of a name ended, by day: what `status` tells of 30 days without a look at every record.

CREATE TABLE run_job.statistics (
  name      text    NOT NULL,
  day       date    NOT NULL,
  succeeded integer NOT NULL DEFAULT 0,
  failed    integer NOT NULL DEFAULT 0,
  skipped   integer NOT NULL DEFAULT 0,
  PRIMARY KEY (name, day)
) WITH (fillfactor = 70);

COMMENT ON TABLE run_job.statistics IS
  'Runs that ended, by name and day of UTC; kept for 31 days. Left out are dry runs, runs that were cancelled, interrupted or continued, slots that were missed, and command lines that a person got wrong';

CREATE INDEX statistics_day ON run_job.statistics (day);

-- What a record counts as: 'succeeded', 'failed', 'skipped', or nothing.
CREATE FUNCTION run_job.outcome_of(status text, cronjob_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN status IN ('succeeded', 'skipped') THEN status
    WHEN status IN ('running', 'cancelled', 'continued', 'interrupted', 'missed') THEN NULL
    WHEN status = 'rejected' AND cronjob_name IS NULL THEN NULL
    ELSE 'failed'
  END
$$;

-- In the database, so that whoever closes a record counts it, older versions and those that close the records of the dead included.
CREATE FUNCTION run_job.count_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  outcome text := run_job.outcome_of(NEW.status, NEW.cronjob_name);
  before  text;
BEGIN
  IF outcome IS NOT NULL THEN
    INSERT INTO run_job.statistics AS s (name, day, succeeded, failed, skipped)
    VALUES (NEW.name, (NEW.ended_at AT TIME ZONE 'UTC')::date,
      (outcome = 'succeeded')::integer, (outcome = 'failed')::integer, (outcome = 'skipped')::integer)
    ON CONFLICT (name, day) DO UPDATE
    SET succeeded = s.succeeded + excluded.succeeded, failed = s.failed + excluded.failed, skipped = s.skipped + excluded.skipped;
  END IF;
  -- A run that was taken for lost, and ends after all, was counted as a failure before.
  IF TG_OP = 'UPDATE' AND OLD.status <> 'running' THEN
    before := run_job.outcome_of(OLD.status, OLD.cronjob_name);
    UPDATE run_job.statistics SET succeeded = succeeded - (before = 'succeeded')::integer,
      failed = failed - (before = 'failed')::integer, skipped = skipped - (before = 'skipped')::integer
    WHERE name = OLD.name AND day = (OLD.ended_at AT TIME ZONE 'UTC')::date AND before IS NOT NULL;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER runs_count_insert AFTER INSERT ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run) EXECUTE FUNCTION run_job.count_run();
CREATE TRIGGER runs_count_update AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run AND OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION run_job.count_run();

INSERT INTO run_job.statistics (name, day, succeeded, failed, skipped)
SELECT name, day, count(*) FILTER (WHERE outcome = 'succeeded'), count(*) FILTER (WHERE outcome = 'failed'),
  count(*) FILTER (WHERE outcome = 'skipped')
FROM (
  SELECT name, (ended_at AT TIME ZONE 'UTC')::date AS day, run_job.outcome_of(status, cronjob_name) AS outcome
  FROM run_job.runs
  WHERE started_at > now() - interval '32 days' AND status <> 'running' AND NOT dry_run
) AS ended
WHERE outcome IS NOT NULL AND day > (now() AT TIME ZONE 'UTC')::date - 31
GROUP BY name, day;

-- status: the last success of each name, and how long the newest ones took, from the index alone.
DROP INDEX run_job.runs_name_succeeded;
CREATE INDEX runs_name_succeeded ON run_job.runs (name, scheduled_at DESC)
  INCLUDE (shard_index, shard_count, started_at, ended_at, duration_ms) WHERE status = 'succeeded' AND NOT dry_run;

-- Slots that were missed are only looked for by name: an index without it made `status` read all of them for each name, as long as the
-- server's statistics knew of few.
DROP INDEX run_job.runs_status_started_at;
CREATE INDEX runs_status_started_at ON run_job.runs (status, started_at DESC) WHERE status NOT IN ('succeeded', 'missed');
