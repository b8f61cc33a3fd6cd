// Do those answer that runs check in with and notify, and do the keys open what monitors are made by? Nothing is told to them: `run-job checkins
// test` does that.

import type { MonitorService } from '../../checkins/monitor-service.ts';
import { monitorServiceOf } from '../../checkins/monitor-services.ts';
import { serviceOf } from '../../checkins/services.ts';
import { send } from '../../http/send.ts';
import { targetOf } from '../../notifications/targets.ts';
import { explainNetworkError } from '../../telemetry/network-error.ts';
import type { Config } from '../config.ts';
import { asker, tellProblem } from '../monitors.ts';
import { type Finding, find } from './check.ts';

const check = 'alerting';

/** Asks each host for its root, and takes any answer for a sign of life. RabbitMQ has a check of its own. */
export async function checkAlerting(config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { checkIns, notify, amqp, monitors } = config;
  if (checkIns.length === 0 && notify.targets.length === 0 && monitors.length === 0) {
    const message = 'RUN_JOB_CHECKINS and RUN_JOB_NOTIFY are not set: nobody outside hears of runs';
    return [{ check, verdict: 'skipped', message }];
  }
  const findings = [
    ...checkIns.map((given, index) =>
      find(check, async () => {
        const { label } = serviceOf(given, index + 1);
        return reach(label, given, env, config.connectTimeoutMs);
      }),
    ),
    ...notify.targets.map((given) =>
      find(check, async () => {
        const target = targetOf(given, { secret: notify.secret, brokers: amqp.urls });
        return target.via === 'http' ? reach(target.label, given, env, config.connectTimeoutMs) : [];
      }),
    ),
    ...monitors.map((given, index) => find(check, () => open(monitorServiceOf(given, index + 1), config, env))),
  ];
  return (await Promise.all(findings)).flat();
}

async function open(service: MonitorService, config: Config, env: NodeJS.ProcessEnv): Promise<Finding[]> {
  const { label } = service;
  // What is sent keeps no process alive by itself.
  const timer = setTimeout(() => undefined, config.connectTimeoutMs);
  try {
    await service.reach(asker(config, env));
    return [{ check, verdict: 'ok', message: `${label} opens its monitors to the key` }];
  } catch (error) {
    const message = `${label} doesn't open its monitors (${tellProblem(error)}); schedules are applied all the same, and their monitors aren't made`;
    return [{ check, verdict: 'warning', message }];
  } finally {
    clearTimeout(timer);
  }
}

async function reach(label: string, given: string, env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Finding[]> {
  const { origin } = new URL(given.replace(/^[a-z]+\+/, ''));
  const request = { to: label, method: 'GET', url: `${origin}/`, headers: {} } as const;
  // What is sent keeps no process alive by itself.
  const timer = setTimeout(() => undefined, timeoutMs);
  try {
    const { status } = await send(request, { signal: AbortSignal.timeout(timeoutMs), env });
    return [{ check, verdict: 'ok', message: `${label} answers (HTTP ${status})` }];
  } catch (error) {
    const why =
      (error as Error).name === 'TimeoutError'
        ? `no answer in ${timeoutMs / 1_000} s`
        : explainNetworkError(error as Error);
    const message = `${label} doesn't answer (${why}): check the address, the proxy and the network policy; runs go on, and nobody hears of them there`;
    return [{ check, verdict: 'warning', message }];
  } finally {
    clearTimeout(timer);
  }
}
