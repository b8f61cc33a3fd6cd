-- What is left of a run when its pod is gone: how its program ended, and its last lines.

ALTER TABLE run_job.runs
  ADD COLUMN program jsonb,
  ADD COLUMN output  jsonb;

COMMENT ON COLUMN run_job.runs.program IS 'How the program of a command ended: {"exitCode", "signal"}';
COMMENT ON COLUMN run_job.runs.output IS 'The last 100 lines, 64 KiB at most, of a run that did not end with exit code 0; secrets redacted';
