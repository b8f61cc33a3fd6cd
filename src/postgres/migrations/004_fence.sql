-- A number that grows with each run, for those who write where our lock doesn't reach; and indexes for readers of a large history.

ALTER TABLE run_job.runs ADD COLUMN fence bigint;

COMMENT ON COLUMN run_job.runs.fence IS
  'Of two runs of a name that one lock kept apart, the later one has the larger number. Empty in records of runs that never began';

-- The largest number so far.
CREATE INDEX runs_fence ON run_job.runs (fence DESC) WHERE fence IS NOT NULL;
-- show: people tell runs apart by how their ids end.
CREATE INDEX runs_id_reversed ON run_job.runs (reverse(id::text) text_pattern_ops);
-- status: the last success of each name, however many failures came after it.
CREATE INDEX runs_name_succeeded ON run_job.runs (name, scheduled_at DESC) WHERE status = 'succeeded' AND NOT dry_run;
-- history of a status, where most runs succeed.
CREATE INDEX runs_status_started_at ON run_job.runs (status, started_at DESC) WHERE status <> 'succeeded';
