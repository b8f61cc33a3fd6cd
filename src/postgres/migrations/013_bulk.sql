-- Many records in one statement are counted together: a row that one transaction has changed many times takes ever longer to change again, so
-- that 100,000 records of one name took minutes.

-- For each row and with a transition table: a statement-level trigger would be called by the start of every run too, which counts nothing.
CREATE FUNCTION run_job.count_inserted() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  -- The first record that has ended counts all of them.
  IF NEW.id <> (SELECT id FROM inserted WHERE status <> 'running' LIMIT 1) THEN
    RETURN NULL;
  END IF;
  -- In one order, so that two who insert records of the same names wait for each other and not in a circle.
  INSERT INTO run_job.totals AS t (name, namespace, status, runs)
  SELECT name, coalesce(namespace, ''), CASE WHEN dry_run THEN 'dry_run' ELSE status END, count(*)
  FROM inserted WHERE status <> 'running'
  GROUP BY 1, 2, 3 ORDER BY 1, 2, 3
  ON CONFLICT (name, namespace, status) DO UPDATE SET runs = t.runs + excluded.runs;
  INSERT INTO run_job.statistics AS s (name, day, succeeded, failed, skipped)
  SELECT name, day, count(*) FILTER (WHERE outcome = 'succeeded'), count(*) FILTER (WHERE outcome = 'failed'),
    count(*) FILTER (WHERE outcome = 'skipped')
  FROM (
    SELECT name, (ended_at AT TIME ZONE 'UTC')::date AS day, run_job.outcome_of(status, cronjob_name) AS outcome
    FROM inserted WHERE status <> 'running' AND NOT dry_run
  ) AS ended
  WHERE outcome IS NOT NULL
  GROUP BY name, day ORDER BY name, day
  ON CONFLICT (name, day) DO UPDATE
  SET succeeded = s.succeeded + excluded.succeeded, failed = s.failed + excluded.failed, skipped = s.skipped + excluded.skipped;
  RETURN NULL;
END
$$;

DROP TRIGGER runs_count_insert ON run_job.runs;
DROP TRIGGER runs_total_insert ON run_job.runs;
CREATE TRIGGER runs_count_insert AFTER INSERT ON run_job.runs REFERENCING NEW TABLE AS inserted
  FOR EACH ROW WHEN (NEW.status <> 'running') EXECUTE FUNCTION run_job.count_inserted();

-- Triggers fire in the order of their names. The end of one run locks what the insert of many does, in the same order: totals, statistics, conditions.
DROP TRIGGER runs_total_update ON run_job.runs;
CREATE TRIGGER runs_count_total_update AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION run_job.count_total();
