-- Least-privilege roles for run-job. Run it once, in the database that the jobs work on, as a role that may create roles.
-- Give each role a password or another way to log in; put its DATABASE_URL into the Secret of what uses it (docs/kubernetes.md).

-- The migration's: owns the schema run_job and nothing else.
CREATE ROLE run_job_owner LOGIN;
CREATE SCHEMA run_job AUTHORIZATION run_job_owner;

-- What every job needs: its lock and its record. Whatever the migrations create is granted as it comes.
CREATE ROLE run_job_runner NOLOGIN;
GRANT USAGE ON SCHEMA run_job TO run_job_runner;
ALTER DEFAULT PRIVILEGES FOR ROLE run_job_owner IN SCHEMA run_job
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO run_job_runner;

-- The console's (run-job serve): looks at all of it, and changes nothing.
CREATE ROLE run_job_console LOGIN;
GRANT USAGE ON SCHEMA run_job TO run_job_console;
ALTER DEFAULT PRIVILEGES FOR ROLE run_job_owner IN SCHEMA run_job
  GRANT SELECT ON TABLES TO run_job_console;
-- With --actions it pauses, resumes and cancels, and writes down who did. After the first migration:
-- GRANT INSERT, UPDATE ON run_job.pauses TO run_job_console;
-- GRANT INSERT ON run_job.cancellations, run_job.audit TO run_job_console;
-- GRANT UPDATE (status, exit_code, ended_at, error) ON run_job.runs TO run_job_console;
-- With RUN_JOB_NOTIFY it sends what no run could (docs/alerting.md). After the first migration:
-- GRANT UPDATE ON run_job.notifications TO run_job_console;

-- database_cleanup's: sees and deletes rows of the schemas that it cleans. UPDATE is for FOR UPDATE, by which it locks them.
CREATE ROLE run_job_cleanup LOGIN IN ROLE run_job_runner;
GRANT USAGE ON SCHEMA public TO run_job_cleanup;
GRANT SELECT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO run_job_cleanup;
-- Tables that the application's owner creates later:
-- ALTER DEFAULT PRIVILEGES FOR ROLE app IN SCHEMA public GRANT SELECT, UPDATE, DELETE ON TABLES TO run_job_cleanup;

-- report_generator's: reads one view.
CREATE ROLE run_job_report LOGIN IN ROLE run_job_runner;
GRANT USAGE ON SCHEMA public TO run_job_report;
GRANT SELECT ON report_transactions TO run_job_report;
