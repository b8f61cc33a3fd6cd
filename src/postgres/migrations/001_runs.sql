-- The record of every run, and the outbox of messages that a job has still to see confirmed.

CREATE TABLE run_job.runs (
  id             uuid        PRIMARY KEY,
  job            text        NOT NULL,
  scheduled_at   timestamptz NOT NULL,
  shard_index    integer     NOT NULL,
  shard_count    integer     NOT NULL,
  status         text        NOT NULL DEFAULT 'running' CHECK (status IN (
    'running', 'succeeded', 'skipped', 'failed', 'rejected', 'unavailable', 'crashed', 'misconfigured', 'timed_out',
    'interrupted', 'lost')),
  exit_code      smallint,
  reason         text,
  attempts       integer     NOT NULL DEFAULT 0,
  started_at     timestamptz NOT NULL,
  deadline       timestamptz,
  ended_at       timestamptz,
  duration_ms    bigint,
  params         jsonb,
  result         jsonb,
  error          jsonb,
  dry_run        boolean     NOT NULL,
  forced         boolean     NOT NULL,
  trace_id       text,
  version        text        NOT NULL,
  host           text        NOT NULL,
  pid            integer     NOT NULL,
  pod_name       text,
  job_name       text,
  cronjob_name   text,
  namespace      text,
  node_name      text,
  peak_rss_bytes bigint,
  cpu_ms         bigint,
  lock_key       bigint      NOT NULL,
  CHECK ((status = 'running') = (ended_at IS NULL))
);

COMMENT ON COLUMN run_job.runs.lock_key IS
  'The key of the advisory lock that the run holds as long as it lives: a running record whose lock nobody holds is lost';

-- A slot succeeds once. A run that finds that another one has succeeded before it keeps its record with a reason.
CREATE UNIQUE INDEX runs_slot_succeeded ON run_job.runs (job, scheduled_at, shard_index, shard_count)
  WHERE status = 'succeeded' AND NOT forced AND NOT dry_run AND reason IS NULL;

-- The dead runs that a new run has to find.
CREATE INDEX runs_running ON run_job.runs (job) WHERE status = 'running';
-- history, with and without a job, and pruning.
CREATE INDEX runs_job_started_at ON run_job.runs (job, started_at DESC);
CREATE INDEX runs_started_at ON run_job.runs (started_at DESC);
-- The runs of a slot, previousRuns, and the last success of each job.
CREATE INDEX runs_job_scheduled_at ON run_job.runs (job, scheduled_at DESC);

CREATE TABLE run_job.outbox (
  message_id   text        PRIMARY KEY,
  job          text        NOT NULL,
  created_at   timestamptz NOT NULL DEFAULT now(),
  exchange     text,
  routing_key  text        NOT NULL,
  content_type text        NOT NULL,
  type         text,
  headers      jsonb       NOT NULL DEFAULT '{}',
  body         bytea       NOT NULL,
  confirmed_at timestamptz
);

CREATE INDEX outbox_unconfirmed ON run_job.outbox (job, created_at) WHERE confirmed_at IS NULL;
