-- What was written to the monitors of services that runs check in with, so that what somebody has chosen there since is left alone.

CREATE TABLE run_job.monitors (
  service    text        NOT NULL,
  monitor    text        NOT NULL,
  name       text        NOT NULL,
  asked      jsonb       NOT NULL,
  told       jsonb       NOT NULL,
  written_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (service, monitor)
);

COMMENT ON TABLE run_job.monitors IS 'Monitors that run-job schedules apply has made or changed';
COMMENT ON COLUMN run_job.monitors.service IS 'Which service, and whose monitors there; without a secret';
COMMENT ON COLUMN run_job.monitors.monitor IS 'By which the service knows it';
COMMENT ON COLUMN run_job.monitors.asked IS 'The settings that were asked for';
COMMENT ON COLUMN run_job.monitors.told IS 'The same as the service told them then: what differs there now was chosen by somebody';

-- With its owner's rights, as the other triggers of records: the console's role closes those of dead runs, and may write nothing else.
ALTER FUNCTION run_job.count_run() SECURITY DEFINER SET search_path = pg_catalog, pg_temp;
