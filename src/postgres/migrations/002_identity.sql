-- What a run is known by: a name, which is the job's own unless somebody gave another, and a digest of its parameters.

ALTER TABLE run_job.runs
  ADD COLUMN name          text,
  -- Empty in records of before this column, and of runs whose parameters were never validated.
  ADD COLUMN params_digest text NOT NULL DEFAULT '',
  ADD COLUMN job_uid       text;

-- Before the table is rewritten, which would build them anew.
DROP INDEX run_job.runs_slot_succeeded, run_job.runs_running, run_job.runs_job_started_at, run_job.runs_job_scheduled_at;

-- One rewrite of the table, where an UPDATE would leave as many dead rows as live ones.
ALTER TABLE run_job.runs
  ALTER COLUMN name SET DATA TYPE text USING job,
  ALTER COLUMN name SET NOT NULL;

COMMENT ON COLUMN run_job.runs.name IS 'What lock, slot, history and metrics go by: the job''s own name unless --as gave another';
COMMENT ON COLUMN run_job.runs.job_uid IS 'The uid of the Kubernetes Job, which all of its pods share';

-- A run of the version before this one doesn't know the column.
CREATE FUNCTION run_job.name_after_job() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  NEW.name := NEW.job;
  RETURN NEW;
END
$$;
CREATE TRIGGER runs_name BEFORE INSERT ON run_job.runs
  FOR EACH ROW WHEN (NEW.name IS NULL) EXECUTE FUNCTION run_job.name_after_job();

-- A slot succeeds once. A run that finds that another one has succeeded before it keeps its record with a reason.
CREATE UNIQUE INDEX runs_slot_succeeded ON run_job.runs (name, scheduled_at, shard_index, shard_count, params_digest)
  WHERE status = 'succeeded' AND NOT forced AND NOT dry_run AND reason IS NULL;
-- The dead runs that a new run has to find.
CREATE INDEX runs_running ON run_job.runs (name) WHERE status = 'running';
-- history of a name.
CREATE INDEX runs_name_started_at ON run_job.runs (name, started_at DESC);
-- The runs of a slot, previousRuns, and the last success of each name.
CREATE INDEX runs_name_scheduled_at ON run_job.runs (name, scheduled_at DESC);

-- The scheduled time that all pods of a Job share which no CronJob made: that of the first of them to ask.
CREATE TABLE run_job.job_times (
  job_uid      text        PRIMARY KEY,
  scheduled_at timestamptz NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now()
);

CREATE INDEX job_times_created_at ON run_job.job_times (created_at);
