-- What services outside are told of runs: who of a Job has checked in, how each name stands, and the notifications of what has changed.

ALTER TABLE run_job.runs ADD COLUMN retries integer;
ALTER TABLE run_job.schedules ADD COLUMN notify_every integer;

COMMENT ON COLUMN run_job.runs.retries IS 'How often Kubernetes starts a new pod after one that failed (backoffLimit). Null in records of before this column';
COMMENT ON COLUMN run_job.schedules.notify_every IS
  'After how many further failures in a row they are told of again; null for never';

CREATE TABLE run_job.check_ins (
  id         uuid        PRIMARY KEY,
  run_id     uuid        NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(),
  ended_as   text
);

COMMENT ON TABLE run_job.check_ins IS 'Jobs that check in with services outside: of all runs of one, the first tells that it starts';
COMMENT ON COLUMN run_job.check_ins.ended_as IS 'Of a Job in shards, what its end was told as: success or failure';

CREATE INDEX check_ins_created_at ON run_job.check_ins (created_at);

CREATE TABLE run_job.conditions (
  name          text        PRIMARY KEY,
  failures      integer     NOT NULL DEFAULT 0,
  failing_since timestamptz,
  last_failed   text,
  absent_since  timestamptz
) WITH (fillfactor = 70);

COMMENT ON TABLE run_job.conditions IS 'How each name stands, so that only what changes is told';
COMMENT ON COLUMN run_job.conditions.failures IS 'Jobs that have failed for good since the last success';
COMMENT ON COLUMN run_job.conditions.last_failed IS 'The last of these Jobs, whose other shards and pods add nothing';
COMMENT ON COLUMN run_job.conditions.absent_since IS 'The first slot since the last success that nobody began in time, and that has been told of';

CREATE TABLE run_job.notifications (
  key          text        PRIMARY KEY,
  name         text        NOT NULL,
  kind         text        NOT NULL CHECK (kind IN ('failed', 'lost', 'recovered', 'missed', 'overdue', 'paused')),
  run_id       uuid,
  scheduled_at timestamptz,
  details      jsonb       NOT NULL DEFAULT '{}',
  created_at   timestamptz NOT NULL DEFAULT clock_timestamp(),
  sent_to      text[]      NOT NULL DEFAULT '{}',
  tries        integer     NOT NULL DEFAULT 0,
  next_try_at  timestamptz NOT NULL DEFAULT clock_timestamp(),
  done_at      timestamptz
) WITH (fillfactor = 70);

COMMENT ON TABLE run_job.notifications IS
  'The outbox of notifications: written in the transaction that closes a record, sent by that run or by whoever looks next, at least once';
COMMENT ON COLUMN run_job.notifications.key IS 'The same for the same change, so that a receiver knows what it has had';
COMMENT ON COLUMN run_job.notifications.details IS 'failures: how many in a row; since: of a recovery, since when it was failing or absent; reason: why a slot was missed or a name paused';
COMMENT ON COLUMN run_job.notifications.sent_to IS 'Digests of the addresses that have it';
COMMENT ON COLUMN run_job.notifications.next_try_at IS 'Nobody else sends it before that';

CREATE INDEX notifications_due ON run_job.notifications (next_try_at) WHERE done_at IS NULL;
CREATE INDEX notifications_created_at ON run_job.notifications (created_at);

-- How many runs of the same Job and shard have failed in a way that Kubernetes counts, besides this one. One that says running is dead, since
-- the lock of its shard is another's.
CREATE FUNCTION run_job.failed_pods(run_id uuid, run_name text, slot timestamptz, uid text, of_index integer, of_count integer)
RETURNS integer LANGUAGE sql STABLE AS $$
  SELECT count(*)::integer FROM run_job.runs
  WHERE name = run_name AND scheduled_at = slot AND job_uid = uid AND shard_index = of_index AND shard_count = of_count AND id <> run_id
    AND NOT dry_run AND status NOT IN ('succeeded', 'interrupted', 'missed') AND coalesce(exit_code, 137) NOT IN (0, 80)
$$;

-- A slot that nobody began in time, told once until the name succeeds again.
CREATE FUNCTION run_job.note_absence(of_kind text, of_name text, slot timestamptz, why text) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO run_job.conditions AS c (name, absent_since) VALUES (of_name, slot)
  ON CONFLICT (name) DO UPDATE SET absent_since = excluded.absent_since WHERE c.absent_since IS NULL;
  IF NOT FOUND THEN RETURN false; END IF;
  INSERT INTO run_job.notifications (key, name, kind, scheduled_at, details)
  VALUES (
    format('%s:%s:%s', of_kind, of_name, to_char(slot AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"')),
    of_name, of_kind, slot, jsonb_strip_nulls(jsonb_build_object('reason', why))
  ) ON CONFLICT (key) DO NOTHING;
  RETURN true;
END
$$;

-- In the database, so that whoever closes a record writes the notification in the same transaction: the run itself, the watchdog, whoever finds
-- it lost, and older versions. With its owner's rights, so that nobody needs any on the outbox to close a record.
CREATE FUNCTION run_job.note_end() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
  condition run_job.conditions;
  every integer;
  in_a_row integer;
BEGIN
  IF NEW.status = 'missed' THEN
    IF NEW.reason IS DISTINCT FROM 'paused' THEN
      PERFORM run_job.note_absence('missed', NEW.name, NEW.scheduled_at, NEW.reason);
    END IF;
    RETURN NULL;
  END IF;

  IF NEW.status = 'succeeded' THEN
    SELECT * INTO condition FROM run_job.conditions
    WHERE name = NEW.name AND (failures > 0 OR absent_since IS NOT NULL) FOR UPDATE;
    IF NOT FOUND THEN RETURN NULL; END IF;
    -- Of shards, the one that completes the slot.
    IF NEW.shard_count > 1 AND NEW.shard_count > (
      SELECT count(DISTINCT shard_index) FROM run_job.runs
      WHERE name = NEW.name AND scheduled_at = NEW.scheduled_at AND shard_count = NEW.shard_count AND status = 'succeeded' AND NOT dry_run
    ) THEN RETURN NULL; END IF;
    UPDATE run_job.conditions SET failures = 0, failing_since = NULL, last_failed = NULL, absent_since = NULL WHERE name = NEW.name;
    INSERT INTO run_job.notifications (key, name, kind, run_id, scheduled_at, details)
    VALUES ('recovered:' || NEW.id, NEW.name, 'recovered', NEW.id, NEW.scheduled_at, jsonb_build_object(
      'failures', condition.failures, 'since', least(condition.failing_since, condition.absent_since)
    )) ON CONFLICT (key) DO NOTHING;
    RETURN NULL;
  END IF;

  -- Decided by a person, or going on in another pod; a command line that a person got wrong; and what Kubernetes tries again.
  IF NEW.exit_code IN (0, 79, 80) OR NEW.status = 'interrupted' OR (NEW.status = 'rejected' AND NEW.cronjob_name IS NULL) THEN
    RETURN NULL;
  END IF;
  IF NEW.job_uid IS NOT NULL AND NEW.exit_code NOT IN (64, 65, 78) AND coalesce(NEW.retries, 0) > run_job.failed_pods(
    NEW.id, NEW.name, NEW.scheduled_at, NEW.job_uid, NEW.shard_index, NEW.shard_count
  ) THEN
    RETURN NULL;
  END IF;
  INSERT INTO run_job.conditions AS c (name, failures, failing_since, last_failed)
  VALUES (NEW.name, 1, NEW.ended_at, coalesce(NEW.job_uid, NEW.id::text))
  ON CONFLICT (name) DO UPDATE SET failures = c.failures + 1, failing_since = coalesce(c.failing_since, excluded.failing_since),
    last_failed = excluded.last_failed
    WHERE c.last_failed IS DISTINCT FROM excluded.last_failed
  RETURNING failures INTO in_a_row;
  IF NOT FOUND THEN RETURN NULL; END IF;
  SELECT notify_every INTO every FROM run_job.schedules WHERE name = NEW.name AND valid_to IS NULL;
  IF in_a_row = 1 OR (every > 0 AND in_a_row % every = 0) THEN
    INSERT INTO run_job.notifications (key, name, kind, run_id, scheduled_at, details)
    VALUES (
      format('%s:%s', CASE NEW.status WHEN 'lost' THEN 'lost' ELSE 'failed' END, NEW.id),
      NEW.name, CASE NEW.status WHEN 'lost' THEN 'lost' ELSE 'failed' END, NEW.id, NEW.scheduled_at,
      jsonb_build_object('failures', in_a_row)
    ) ON CONFLICT (key) DO NOTHING;
  END IF;
  RETURN NULL;
END
$$;

CREATE TRIGGER runs_note_insert AFTER INSERT ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run) EXECUTE FUNCTION run_job.note_end();
CREATE TRIGGER runs_note_update AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND NOT NEW.dry_run AND OLD.status IS DISTINCT FROM NEW.status)
  EXECUTE FUNCTION run_job.note_end();

CREATE FUNCTION run_job.note_pause() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO run_job.notifications (key, name, kind, details)
  VALUES (
    format('paused:%s:%s', NEW.name, to_char(NEW.since AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
    NEW.name, 'paused', jsonb_build_object('failures', NEW.failures, 'reason', NEW.why)
  ) ON CONFLICT (key) DO NOTHING;
  RETURN NULL;
END
$$;

-- A pause that a person made is no news to people.
CREATE TRIGGER pauses_note AFTER INSERT ON run_job.pauses
  FOR EACH ROW WHEN (NEW.failures IS NOT NULL) EXECUTE FUNCTION run_job.note_pause();
