// The connections to the collector: TLS as the OTEL_* variables say, and one call that ends them all.
import { subscribe } from 'node:diagnostics_channel';
import type { Agent, ClientRequest, IncomingMessage } from 'node:http';
import type { Logger } from '../job.ts';
import { explainNetworkError } from './network-error.ts';
import type { Environment } from './options.ts';
import type { Signal } from './settings.ts';
import { readCollectorTls } from './tls-files.ts';

type AgentRequest = ClientRequest & { readonly agent: Agent };

/** Makes the exporters' HTTP agents, and hears of what goes wrong with them. */
export class Connections {
  readonly #env: Environment;
  readonly #log: Logger;
  readonly #agents = new Map<Agent, Signal>();
  readonly #troubles = new Map<Signal, string | undefined>();
  #closed = false;

  constructor(env: Environment, log: Logger) {
    this.#env = env;
    this.#log = log;
    // The exporters don't tell what they retry: neither the error, nor the status of the answer.
    subscribe('http.client.request.error', (message) => {
      const { request, error } = message as { request: AgentRequest; error: Error };
      this.#note(request, explainNetworkError(error));
    });
    subscribe('http.client.response.finish', (message) => {
      const { request, response } = message as { request: AgentRequest; response: IncomingMessage };
      const { statusCode = 0 } = response;
      this.#note(request, statusCode < 300 ? undefined : `the collector answered ${statusCode}`);
    });
  }

  /** What went wrong with the last request for this signal, in a few words. */
  trouble(signal: Signal): string | undefined {
    return this.#troubles.get(signal);
  }

  /** An exporter's `httpAgentOptions`: makes its agent when it first sends. */
  agentFor(signal: Signal): (protocol: string) => Agent {
    return (protocol) => {
      const agent = protocol === 'https:' ? this.#https(signal) : this.#http();
      this.#agents.set(agent, signal);
      const connect = agent.createConnection;
      // After `destroy` an exporter may still want to retry. It gets no connection, and gives up.
      agent.createConnection = (...args) => {
        if (this.#closed) throw new Error('the time to send telemetry is over');
        return connect.apply(agent, args);
      };
      return agent;
    };
  }

  /** Ends every connection, whatever it is doing, and lets no new one be made. */
  destroy(): void {
    this.#closed = true;
    for (const agent of this.#agents.keys()) agent.destroy();
  }

  #note(request: AgentRequest, trouble: string | undefined): void {
    const signal = this.#agents.get(request.agent);
    if (signal !== undefined && !this.#closed) this.#troubles.set(signal, trouble);
  }

  // Asked for by getBuiltinModule when first needed: node:https takes 9 ms to load, and most collectors are spoken to without TLS.
  #http(): Agent {
    return new (process.getBuiltinModule('node:http').Agent)({ keepAlive: true });
  }

  #https(signal: Signal): Agent {
    return new (process.getBuiltinModule('node:https').Agent)({
      keepAlive: true,
      ...readCollectorTls(this.#env, signal, (message) => this.#log.warn(message)),
    });
  }
}
