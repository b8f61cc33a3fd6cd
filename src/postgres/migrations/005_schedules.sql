-- What is known of the names that a CronJob runs: when, how late is late, and whose they are; and slots that passed without a run.

CREATE TABLE run_job.schedules (
  id                        bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name                      text        NOT NULL,
  job                       text        NOT NULL,
  cron                      text        NOT NULL,
  time_zone                 text        NOT NULL,
  source                    text        NOT NULL,
  params                    jsonb       NOT NULL DEFAULT '{}',
  args                      jsonb,
  shards                    integer     NOT NULL DEFAULT 1,
  timeout_ms                bigint,
  deadline_seconds          bigint,
  starting_deadline_seconds bigint,
  late_after_ms             bigint      NOT NULL,
  catch_up                  text        NOT NULL DEFAULT 'latest' CHECK (catch_up IN ('latest', 'all')),
  catch_up_limit            integer     NOT NULL DEFAULT 10,
  pause_after               integer,
  blackouts                 jsonb,
  after                     jsonb       NOT NULL DEFAULT '[]',
  suspend                   boolean     NOT NULL DEFAULT false,
  owner                     text,
  runbook                   text,
  tags                      text[]      NOT NULL DEFAULT '{}',
  cronjob_name              text,
  namespace                 text,
  valid_from                timestamptz NOT NULL,
  valid_to                  timestamptz,
  settled_to                timestamptz NOT NULL,
  CHECK (valid_to IS NULL OR valid_to >= valid_from)
) WITH (fillfactor = 80);

COMMENT ON TABLE run_job.schedules IS
  'One row for each schedule and the time in which it was in force: a change ends one row and begins another, so that the past is judged by what was in force';
COMMENT ON COLUMN run_job.schedules.name IS 'What its runs are known by';
COMMENT ON COLUMN run_job.schedules.cron IS 'Five fields, or @daily and its like, as the CronJob has them';
COMMENT ON COLUMN run_job.schedules.time_zone IS 'IANA time zone of the cron line and, unless they name another, of the blackouts';
COMMENT ON COLUMN run_job.schedules.source IS
  'Who tells of it: the source of the file that was applied (of a release of the chart, namespace/release), or ''run'' where a run brought its own and nobody had applied any';
COMMENT ON COLUMN run_job.schedules.params IS 'The parameters of its runs, as given';
COMMENT ON COLUMN run_job.schedules.args IS 'A list of texts: what run-job is called with. Null where nobody said';
COMMENT ON COLUMN run_job.schedules.shards IS 'Parts that each slot''s work is cut into';
COMMENT ON COLUMN run_job.schedules.timeout_ms IS 'How long one run may take';
COMMENT ON COLUMN run_job.schedules.deadline_seconds IS 'activeDeadlineSeconds: how long a Job with all its retries may take';
COMMENT ON COLUMN run_job.schedules.starting_deadline_seconds IS
  'How late Kubernetes still starts a slot; null for no limit, where the newest slot is started however late it is';
COMMENT ON COLUMN run_job.schedules.late_after_ms IS 'How long after its slot a run may begin without being late';
COMMENT ON COLUMN run_job.schedules.catch_up IS
  'latest: slots that were missed stay undone. all: the next run first does the missed ones, the oldest first';
COMMENT ON COLUMN run_job.schedules.catch_up_limit IS 'How many missed slots one run does at most, with catch_up = all';
COMMENT ON COLUMN run_job.schedules.pause_after IS 'After so many failures in a row the name is paused; null for never';
COMMENT ON COLUMN run_job.schedules.blackouts IS
  'When slots are skipped: {"timeZone"?, "dates": ["2026-12-24"], "weekly": [{"from": "Fri 18:00", "to": "Mon 06:00"}]}';
COMMENT ON COLUMN run_job.schedules.after IS
  'What each run waits for: [{"name", "slot": "same" or "latest", "withinMs"?}]';
COMMENT ON COLUMN run_job.schedules.suspend IS 'Whether the CronJob starts nothing, as the file says; such a schedule has no slots';
COMMENT ON COLUMN run_job.schedules.valid_from IS 'Since when it is in force: slots after this are its own';
COMMENT ON COLUMN run_job.schedules.valid_to IS 'Until when it was in force; null while it is';
COMMENT ON COLUMN run_job.schedules.settled_to IS
  'All of its slots up to here are settled: a run stands for each, or it was skipped, or its record says missed';

-- One schedule of a name is in force at a time, whoever writes at once.
CREATE UNIQUE INDEX schedules_in_force ON run_job.schedules (name) WHERE valid_to IS NULL;
-- The schedules that a slot of the past is judged by.
CREATE INDEX schedules_name_valid_from ON run_job.schedules (name, valid_from DESC);

-- Not valid: what is there has passed a stricter check, and a look at every row would keep runs waiting.
ALTER TABLE run_job.runs DROP CONSTRAINT runs_status_check;
ALTER TABLE run_job.runs ADD CONSTRAINT runs_status_check CHECK (status IN (
  'running', 'succeeded', 'skipped', 'failed', 'rejected', 'unavailable', 'crashed', 'misconfigured', 'cancelled', 'continued', 'timed_out',
  'interrupted', 'lost', 'missed')) NOT VALID;

-- A slot that passed without a run has one record that says so, however many notice at once.
CREATE UNIQUE INDEX runs_slot_missed ON run_job.runs (name, scheduled_at) WHERE status = 'missed';
