// What is said of a run without a database, which nothing keeps from running beside itself.
import type { Logger } from '../job.ts';
import type { Config } from './config.ts';

const UNGUARDED = 'DATABASE_URL is not set: this run is neither locked nor recorded';

/**
 * Says so: a line at info on a laptop; under Kubernetes, where runs meet, a warning that the run's summary repeats, and that is returned.
 */
export function tellUnguarded(env: NodeJS.ProcessEnv, { place }: Config, log: Logger): string | undefined {
  const inKubernetes = env.KUBERNETES_SERVICE_HOST || place.podName || place.jobName || place.cronJobName;
  if (!inKubernetes) {
    log.info(UNGUARDED);
    return undefined;
  }
  log.warn(`${UNGUARDED}, and others may work beside it; RUN_JOB_REQUIRE_DATABASE=true refuses such runs`);
  return UNGUARDED;
}
