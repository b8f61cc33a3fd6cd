-- What people decide about runs: that a name is paused, that a run is cancelled; and what it takes to run one again.

-- The past ones are kept as long as records are: that a name was paused explains what didn't run.
CREATE TABLE run_job.pauses (
  name      text        NOT NULL,
  since     timestamptz NOT NULL DEFAULT now(),
  until     timestamptz,
  why       text        NOT NULL,
  paused_by text,
  failures  integer,
  ended_at  timestamptz,
  ended_by  text,
  PRIMARY KEY (name, since)
);

COMMENT ON COLUMN run_job.pauses.until IS 'When the pause ends by itself; ended_at stays empty then';
COMMENT ON COLUMN run_job.pauses.failures IS 'Of a pause that no person made: how many failures in a row there were';

-- One pause of a name at a time.
CREATE UNIQUE INDEX pauses_open ON run_job.pauses (name) WHERE ended_at IS NULL;

CREATE TABLE run_job.cancellations (
  run_id       uuid        PRIMARY KEY,
  requested_at timestamptz NOT NULL DEFAULT now(),
  requested_by text,
  why          text,
  job_uid      text,
  shard_index  integer,
  shard_count  integer
);

COMMENT ON COLUMN run_job.cancellations.job_uid IS
  'The Job of Kubernetes that the run belongs to: a new pod that it makes for the same work is cancelled too';

CREATE INDEX cancellations_job_uid ON run_job.cancellations (job_uid) WHERE job_uid IS NOT NULL;
CREATE INDEX cancellations_requested_at ON run_job.cancellations (requested_at);

ALTER TABLE run_job.runs
  ADD COLUMN why     text,
  ADD COLUMN ordered jsonb;

COMMENT ON COLUMN run_job.runs.why IS 'Why a run was skipped, as a sentence';
COMMENT ON COLUMN run_job.runs.ordered IS
  'What the run was asked to do, as it was given: {"params", "pairs", "command", "timeoutMs", "attempts"}; secrets redacted. What rerun does again';
