// What one service is told, one thing after the other: a start that arrived after its end would look like a run that hangs.
import type { CheckInEvent } from '../checkins/event.ts';
import type { CheckInService } from '../checkins/service.ts';
import { serviceOf } from '../checkins/services.ts';
import { send } from '../http/send.ts';
import { explainNetworkError } from '../telemetry/network-error.ts';
import type { Config } from './config.ts';

/** What is said of a service that hasn't answered. */
export const NO_ANSWER = 'no answer in time';

/** A queue for each service of RUN_JOB_CHECKINS; hears of addresses that can't be used, which are left out. */
export function openQueues(
  config: Config,
  env: NodeJS.ProcessEnv,
  onProblem: (problem: string) => void,
): readonly CheckInQueue[] {
  return config.checkIns.flatMap((given, index) => {
    try {
      return [new CheckInQueue(serviceOf(given, index + 1), env)];
    } catch (error) {
      onProblem(`${(error as Error).message}; nobody is checked in with there`);
      return [];
    }
  });
}

export class CheckInQueue {
  readonly service: CheckInService;
  readonly #env: NodeJS.ProcessEnv;
  readonly #problems = new Set<string>();
  readonly #giveUp = new AbortController();
  #last: Promise<void> = Promise.resolve();

  constructor(service: CheckInService, env: NodeJS.ProcessEnv) {
    this.service = service;
    this.#env = env;
  }

  /** Resolves when everything that was pushed until now is told or given up; never rejects. */
  get idle(): Promise<void> {
    return this.#last;
  }

  push(event: CheckInEvent, signal: AbortSignal): void {
    const request = this.service.request(event);
    if (request === undefined) return;
    const beforeEnd = event.kind === 'start';
    this.#last = this.#last.then(async () => {
      const until = beforeEnd ? AbortSignal.any([signal, this.#giveUp.signal]) : signal;
      try {
        const { status } = await send(request, { signal: until, env: this.#env });
        const problem = this.service.problem(status, event.name);
        if (problem !== undefined) this.#problems.add(problem);
      } catch (error) {
        const late = (error as Error).name === 'TimeoutError';
        this.#problems.add(late ? NO_ANSWER : explainNetworkError(error as Error));
      }
    });
  }

  /** A start that hasn't been answered yet isn't waited for any longer. */
  giveUpStart(): void {
    this.#giveUp.abort(new Error(NO_ANSWER));
  }

  /** What went wrong, one sentence each. */
  untold(): readonly string[] {
    return [...this.#problems].map(
      (problem) => `the check-in with ${this.service.label} failed (${problem}); the outcome stands`,
    );
  }
}
