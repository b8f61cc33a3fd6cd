-- What the console needs: how often runs of each name have ended in each way, and who did what by its buttons.

CREATE TABLE run_job.totals (
  name      text   NOT NULL,
  namespace text   NOT NULL DEFAULT '',
  status    text   NOT NULL,
  runs      bigint NOT NULL,
  PRIMARY KEY (name, namespace, status)
) WITH (fillfactor = 50);

COMMENT ON TABLE run_job.totals IS
  'How many records of a name have ever come to say this status: it only grows, whatever is pruned. A run that was taken for lost and ends after all is counted as both';
COMMENT ON COLUMN run_job.totals.namespace IS 'Of Kubernetes; empty where a run has none';
COMMENT ON COLUMN run_job.totals.status IS 'A status of run_job.runs, or dry_run for a dry run however it ended';

-- In the database, so that whoever closes a record counts it, and in the statement that closes it. With its owner's rights, so that no role
-- that writes records needs more of them.
CREATE FUNCTION run_job.count_total() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  INSERT INTO run_job.totals AS t (name, namespace, status, runs)
  VALUES (NEW.name, coalesce(NEW.namespace, ''), CASE WHEN NEW.dry_run THEN 'dry_run' ELSE NEW.status END, 1)
  ON CONFLICT (name, namespace, status) DO UPDATE SET runs = t.runs + 1;
  RETURN NULL;
END
$$;

CREATE TRIGGER runs_total_insert AFTER INSERT ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running') EXECUTE FUNCTION run_job.count_total();
CREATE TRIGGER runs_total_update AFTER UPDATE OF status ON run_job.runs
  FOR EACH ROW WHEN (NEW.status <> 'running' AND OLD.status IS DISTINCT FROM NEW.status) EXECUTE FUNCTION run_job.count_total();

INSERT INTO run_job.totals (name, namespace, status, runs)
SELECT name, coalesce(namespace, ''), CASE WHEN dry_run THEN 'dry_run' ELSE status END, count(*)
FROM run_job.runs WHERE status <> 'running'
GROUP BY 1, 2, 3;

CREATE TABLE run_job.audit (
  id     bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at     timestamptz NOT NULL DEFAULT now(),
  who    text        NOT NULL,
  action text        NOT NULL CHECK (action IN ('pause', 'resume', 'cancel')),
  name   text        NOT NULL,
  run_id uuid,
  why    text
);

COMMENT ON TABLE run_job.audit IS 'What people did by the buttons of the console. Nothing is ever deleted from it by run-job';
COMMENT ON COLUMN run_job.audit.who IS 'As the proxy in front of the console told; else how they got in';

-- What was done to a name, the newest first.
CREATE INDEX audit_name_at ON run_job.audit (name, at DESC);
