-- Runs that were found dead and that services outside haven't been told of: whoever finds one closes its record and tells then, and may die in between.

CREATE TABLE run_job.untold (
  run_id      uuid        PRIMARY KEY,
  found_at    timestamptz NOT NULL DEFAULT clock_timestamp(),
  next_try_at timestamptz NOT NULL DEFAULT clock_timestamp() + interval '1 minute'
);

COMMENT ON TABLE run_job.untold IS
  'Runs whose records say lost, until whoever checks in has told so: written in the transaction that closes the record, removed by who has told, or a day later';
COMMENT ON COLUMN run_job.untold.next_try_at IS 'Until then it is who closed the record, or took this row, that tells';

-- With its owner's rights, so that nobody needs any on the table to close a record. Where nobody checks in, there is nobody to tell.
CREATE FUNCTION run_job.note_untold() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF EXISTS (SELECT FROM run_job.check_ins) THEN
    INSERT INTO run_job.untold (run_id) VALUES (NEW.id) ON CONFLICT DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER runs_note_untold AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status = 'lost' AND OLD.status = 'running' AND NOT NEW.dry_run)
  EXECUTE FUNCTION run_job.note_untold();

-- Takes those that their finders have left, for a minute. What the name has succeeded after is no news, nor what turned out to be alive.
CREATE FUNCTION run_job.take_untold() RETURNS SETOF uuid
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  DELETE FROM run_job.untold u
  WHERE u.next_try_at <= clock_timestamp() AND (
    u.found_at < clock_timestamp() - interval '24 hours'
    OR NOT EXISTS (SELECT FROM run_job.runs r WHERE r.id = u.run_id AND r.status = 'lost')
    OR EXISTS (
      SELECT FROM run_job.runs r JOIN run_job.runs s ON s.name = r.name AND s.status = 'succeeded' AND NOT s.dry_run AND s.started_at > r.started_at
      WHERE r.id = u.run_id
    )
  );
  RETURN QUERY UPDATE run_job.untold SET next_try_at = clock_timestamp() + interval '1 minute'
  WHERE run_id IN (
    SELECT run_id FROM run_job.untold WHERE next_try_at <= clock_timestamp() ORDER BY found_at LIMIT 100 FOR UPDATE SKIP LOCKED
  )
  RETURNING run_id;
END
$$;

CREATE FUNCTION run_job.settle_untold(ids uuid[]) RETURNS void
LANGUAGE sql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
  DELETE FROM run_job.untold WHERE run_id = ANY (ids)
$$;
