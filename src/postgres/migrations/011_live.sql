-- What runs do while they haven't ended, for whoever watches: who waits for what, how far a job is, and what its attempts came to.

ALTER TABLE run_job.runs
  ADD COLUMN begun_at timestamptz,
  ADD COLUMN tries    jsonb;

COMMENT ON COLUMN run_job.runs.begun_at IS 'When the run had its lock and its connections: what lies between started_at and this is waiting';
COMMENT ON COLUMN run_job.runs.tries IS
  'Its attempts, where there was more than one: [{"startedAt", "endedAt", "error": {"name", "message"}, "retryInMs"}]; of a run that was killed, see run_job.live';

CREATE TABLE run_job.live (
  run_id        uuid        PRIMARY KEY,
  name          text        NOT NULL,
  job           text        NOT NULL,
  scheduled_at  timestamptz NOT NULL,
  shard_index   integer     NOT NULL,
  shard_count   integer     NOT NULL,
  place         text        NOT NULL,
  told          jsonb       NOT NULL,
  told_at       timestamptz NOT NULL DEFAULT clock_timestamp()
) WITH (fillfactor = 50);

COMMENT ON TABLE run_job.live IS
  'What a run has said last while it waited or worked. It is only for whoever watches: nothing is decided by it. A run that ends deletes its row; that of a killed one stays as long as its record';
COMMENT ON COLUMN run_job.live.told IS
  '{"waiting": {"reason", "since", "until", "holder", "after"}} before it begins; {"attempts": [...], "progress": {"done", "total"}} then';
