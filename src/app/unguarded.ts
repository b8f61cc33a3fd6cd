// What is said of a run without a database, which nothing keeps from running beside itself.
import type { Logger } from '../job.ts';
import type { Config } from './config.ts';

const UNGUARDED = 'DATABASE_URL is not set: this run is neither locked nor recorded';

/** A run that nothing guards. */
export interface Unguarded {
  /** What its summary says of it. */
  readonly warning: string | undefined;
  /** Says so. */
  tell(log: Logger): void;
}

/** Said by a line at info on a laptop; under Kubernetes, where runs meet, by a warning that the run's summary repeats. */
export function unguarded(env: NodeJS.ProcessEnv, { place }: Config): Unguarded {
  const inKubernetes = env.KUBERNETES_SERVICE_HOST || place.podName || place.jobName || place.cronJobName;
  if (!inKubernetes) return { warning: undefined, tell: (log) => log.info(UNGUARDED) };
  return {
    warning: UNGUARDED,
    tell: (log) =>
      log.warn(`${UNGUARDED}, and others may work beside it; RUN_JOB_REQUIRE_DATABASE=true refuses such runs`),
  };
}
