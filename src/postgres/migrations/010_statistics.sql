-- How runs of a name ended, and how long they took, by day: what `status` tells of 30 days without a look at every record.

CREATE TABLE run_job.statistics (
  name    text     NOT NULL,
  day     date     NOT NULL,
  outcome text     NOT NULL CHECK (outcome IN ('succeeded', 'failed', 'skipped')),
  bucket  smallint NOT NULL,
  runs    integer  NOT NULL,
  PRIMARY KEY (name, day, outcome, bucket)
) WITH (fillfactor = 70);

COMMENT ON TABLE run_job.statistics IS 'Runs that ended, by name, day of UTC, outcome, and how long they took; kept for 31 days. Dry runs are left out';
COMMENT ON COLUMN run_job.statistics.outcome IS
  'Runs that were cancelled, interrupted or continued are neither; nor is a command line that a person got wrong, or a slot that was missed';
COMMENT ON COLUMN run_job.statistics.bucket IS
  'How long a run took: n stands for 1.1^n milliseconds at most, and for more than 1.1^(n-1). 0 where that says nothing';

CREATE INDEX statistics_day ON run_job.statistics (day);

CREATE FUNCTION run_job.statistics_outcome(status text, cronjob_name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE
    WHEN status = 'succeeded' OR status = 'skipped' THEN status
    WHEN status IN ('running', 'cancelled', 'continued', 'interrupted', 'missed') THEN NULL
    WHEN status = 'rejected' AND cronjob_name IS NULL THEN NULL
    ELSE 'failed'
  END
$$;

CREATE FUNCTION run_job.statistics_bucket(duration_ms bigint) RETURNS smallint LANGUAGE sql IMMUTABLE AS $$
  SELECT CASE WHEN duration_ms > 1 THEN ceil(ln(duration_ms) / ln(1.1))::smallint ELSE 0::smallint END
$$;

-- In the database, so that whoever closes a record counts it, older versions and those that close the records of the dead included.
CREATE FUNCTION run_job.count_run() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
  counted text := run_job.statistics_outcome(NEW.status, NEW.cronjob_name);
BEGIN
  -- A run that was taken for lost and ends after all was counted already as a failure; it is taken back.
  IF TG_OP = 'UPDATE' AND OLD.status <> 'running' AND NOT OLD.dry_run THEN
    UPDATE run_job.statistics SET runs = runs - 1
    WHERE name = OLD.name AND day = (OLD.ended_at AT TIME ZONE 'UTC')::date
      AND outcome = run_job.statistics_outcome(OLD.status, OLD.cronjob_name)
      AND bucket = CASE OLD.status WHEN 'succeeded' THEN run_job.statistics_bucket(OLD.duration_ms) ELSE 0 END;
  END IF;
  IF counted IS NOT NULL THEN
    INSERT INTO run_job.statistics AS s (name, day, outcome, bucket, runs)
    VALUES (NEW.name, (NEW.ended_at AT TIME ZONE 'UTC')::date, counted,
      CASE counted WHEN 'succeeded' THEN run_job.statistics_bucket(NEW.duration_ms) ELSE 0 END, 1)
    ON CONFLICT (name, day, outcome, bucket) DO UPDATE SET runs = s.runs + 1;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER runs_count_insert AFTER INSERT ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run) EXECUTE FUNCTION run_job.count_run();
CREATE TRIGGER runs_count_update AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run AND OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION run_job.count_run();

INSERT INTO run_job.statistics (name, day, outcome, bucket, runs)
SELECT name, day, outcome, bucket, count(*) FROM (
  SELECT name, (ended_at AT TIME ZONE 'UTC')::date AS day, run_job.statistics_outcome(status, cronjob_name) AS outcome,
    CASE status WHEN 'succeeded' THEN run_job.statistics_bucket(duration_ms) ELSE 0 END AS bucket
  FROM run_job.runs
  WHERE started_at > now() - interval '32 days' AND status <> 'running' AND NOT dry_run
) AS ended
WHERE outcome IS NOT NULL AND day > (now() AT TIME ZONE 'UTC')::date - 31
GROUP BY name, day, outcome, bucket;
