-- What a slot's job has saved of its progress, until the slot has succeeded; and two more ways to end.

CREATE TABLE run_job.checkpoints (
  name          text        NOT NULL,
  scheduled_at  timestamptz NOT NULL,
  shard_index   integer     NOT NULL,
  shard_count   integer     NOT NULL,
  params_digest text        NOT NULL,
  job_uid       text,
  run_id        uuid        NOT NULL,
  fence         bigint      NOT NULL,
  -- json and not jsonb, which would change text and numbers that an author may want back as they were.
  value         json,
  steps         json,
  saves         bigint      NOT NULL DEFAULT 0,
  runs          integer     NOT NULL DEFAULT 1,
  created_at    timestamptz NOT NULL DEFAULT now(),
  saved_at      timestamptz,
  PRIMARY KEY (name, scheduled_at, shard_index, shard_count, params_digest)
) WITH (
  -- A save changes no column of an index: with room on its page each is a HOT update, whose predecessor goes without VACUUM.
  fillfactor = 50,
  autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000,
  -- A value of more than 2 kB is kept aside, where only VACUUM makes room.
  toast.autovacuum_vacuum_scale_factor = 0, toast.autovacuum_vacuum_threshold = 1000
);

COMMENT ON COLUMN run_job.checkpoints.fence IS 'That of the run that may save: a run with a smaller one has lost its lock';
COMMENT ON COLUMN run_job.checkpoints.run_id IS 'The run that may save, or was the last that could';
COMMENT ON COLUMN run_job.checkpoints.steps IS 'The steps that are done, in order: [{"name", "runId", "result"}]';
COMMENT ON COLUMN run_job.checkpoints.runs IS 'How many runs have worked on the slot since its first checkpoint';

-- A run has one slot; it keeps the row until a later run claims it.
CREATE UNIQUE INDEX checkpoints_run_id ON run_job.checkpoints (run_id);

-- Saves what isn't null of both, in the transaction of whoever calls it. A function, since the server keeps its plans: a save then costs
-- little more than its way there. Where it isn't the run's to save, an error, so that the transaction can't be committed without the save:
-- the run's record is closed, nobody holds the run's own lock (to try for it costs nothing, and the error frees it again), or a later
-- run has claimed the slot.
CREATE FUNCTION run_job.save_checkpoint(own_id uuid, new_value json, new_steps json) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  own_lock bigint;
BEGIN
  SELECT lock_key INTO own_lock FROM run_job.runs WHERE id = own_id AND status = 'running';
  IF FOUND AND NOT pg_catalog.pg_try_advisory_xact_lock_shared(own_lock) THEN
    UPDATE run_job.checkpoints
    SET value = coalesce(new_value, value), steps = coalesce(new_steps, steps),
      saved_at = pg_catalog.clock_timestamp(), saves = saves + 1
    WHERE run_id = own_id;
    IF FOUND THEN
      RETURN;
    END IF;
  END IF;
  RAISE EXCEPTION 'run_job.checkpoint_of_another_run';
END
$$;
GRANT EXECUTE ON FUNCTION run_job.save_checkpoint TO PUBLIC;

-- Every record fulfils the old list, which is a part of the new one.
ALTER TABLE run_job.runs DROP CONSTRAINT runs_status_check;
ALTER TABLE run_job.runs ADD CONSTRAINT runs_status_check CHECK (status IN (
  'running', 'succeeded', 'skipped', 'failed', 'rejected', 'unavailable', 'crashed', 'misconfigured', 'cancelled', 'continued',
  'timed_out', 'interrupted', 'lost', 'missed')) NOT VALID;
