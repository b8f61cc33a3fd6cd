// Sends one marked check-in to each service, to see whether it arrives.
import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckInEvent } from '../checkins/event.ts';
import { checkInIdOf } from '../checkins/id.ts';
import type { CheckInService } from '../checkins/service.ts';
import { serviceOf } from '../checkins/services.ts';
import { send } from '../http/send.ts';
import { explainNetworkError } from '../telemetry/network-error.ts';
import type { Config } from './config.ts';

/** What services get to see that know only successes and failures: no monitor of a job's. */
export const TEST_NAME = 'run-job-test';

export interface TestedCheckIn {
  readonly label: string;
  /** What the check-in was filed under. */
  readonly name: string;
  /** What went wrong, if anything did. */
  readonly problem?: string;
  /** What a good answer doesn't prove. */
  readonly unproved?: string;
}

/**
 * @param name whose check at Healthchecks gets it, as a log entry that changes nothing
 * @throws {ConfigError} an address can't be used
 */
export function testCheckIns(
  config: Config,
  env: NodeJS.ProcessEnv,
  name: string,
  now: Date,
): Promise<TestedCheckIn[]> {
  const services = config.checkIns.map((given, index) => serviceOf(given, index + 1));
  return Promise.all(services.map((service) => testOne(service, config, env, name, now)));
}

async function testOne(
  service: CheckInService,
  config: Config,
  env: NodeJS.ProcessEnv,
  name: string,
  now: Date,
): Promise<TestedCheckIn> {
  const event: CheckInEvent = {
    kind: 'log',
    id: checkInIdOf(['test', now.toISOString()]),
    name,
    job: TEST_NAME,
    runId: TEST_NAME,
    scheduledAt: now,
    host: config.place.podName ?? config.place.host,
    environment: config.environment,
    text: 'a test by run-job checkins test: no run has said this',
  };
  const logged = service.request(event);
  // Who has no word for what changes nothing gets a success of a monitor that is nobody's.
  const filed = logged === undefined ? TEST_NAME : name;
  const request = logged ?? service.request({ ...event, kind: 'success', name: TEST_NAME });
  const told = { label: service.label, name: filed };
  if (request === undefined) return told;
  const over = new AbortController();
  // What is sent keeps no process alive by itself.
  const timeUp = sleep(config.connectTimeoutMs, undefined, { signal: over.signal }).catch(() => undefined);
  try {
    const sent = send(request, { signal: AbortSignal.timeout(config.connectTimeoutMs), env });
    const answer = await Promise.race([sent, timeUp]);
    const problem = answer ? service.problem(answer.status, filed) : 'no answer in time';
    const { unproved } = service;
    return { ...told, ...(problem !== undefined ? { problem } : unproved !== undefined && { unproved }) };
  } catch (error) {
    return { ...told, problem: explainNetworkError(error as Error) };
  } finally {
    over.abort();
  }
}
