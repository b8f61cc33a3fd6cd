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

-- Every record fulfils the old list, which is a part of the new one.
ALTER TABLE run_job.runs DROP CONSTRAINT runs_status_check;
ALTER TABLE run_job.runs ADD CONSTRAINT runs_status_check CHECK (status IN (
  'running', 'succeeded', 'skipped', 'failed', 'rejected', 'unavailable', 'crashed', 'misconfigured', 'cancelled', 'continued',
  'timed_out', 'interrupted', 'lost')) NOT VALID;
