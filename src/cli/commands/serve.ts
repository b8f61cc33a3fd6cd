// `run-job serve`: pages, an API and metrics of all names, read from the database until the process is asked to stop.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineCommand } from 'citty';
import { startNotifier } from '../../app/console/notifier.ts';
import { oneConnection } from '../../app/console/one-connection.ts';
import { openConsole } from '../../app/console/open.ts';
import { redactorFor } from '../../app/redactor.ts';
import { tellLost } from '../../app/tell-lost.ts';
import { VERSION } from '../../app/version.ts';
import { whoAsks } from '../../app/who.ts';
import { findDatabase } from '../../app/with-database.ts';
import { createConsole } from '../../console/app.tsx';
import { listen } from '../../console/http/server.ts';
import { UnavailableError } from '../../errors.ts';
import { createLogger } from '../../log/logger.ts';
import { keepHeapSmall } from '../../process/small-heap.ts';
import { EXIT } from '../../runner/outcome.ts';
import type { CommandData } from '../command.ts';
import { isTerminal, writeAll } from '../terminal/stdio.ts';
import { readServeOptions } from './serve-options.ts';

/** How long we still answer after we have said that we aren't ready any more, where others send us requests, in milliseconds. */
const NOT_READY_MS = 3_000;

export default defineCommand({
  meta: {
    name: 'serve',
    description:
      'Show all names on web pages, with metrics and an API; reads the database, and sends notifications that are due where its role may',
  },
  args: {
    host: {
      type: 'string',
      valueHint: 'address',
      default: '127.0.0.1',
      description: 'The address to listen on (127.0.0.1)',
    },
    port: {
      type: 'string',
      valueHint: 'port',
      default: '8080',
      description: 'The port; 0 for any that is free (8080)',
    },
    'trust-proxy': {
      type: 'string',
      valueHint: 'addresses',
      description: 'Let in whoever comes by these proxies, which ask who it is: 10.0.0.0/8,127.0.0.1',
    },
    'identity-header': {
      type: 'string',
      valueHint: 'names',
      default: 'x-forwarded-email,x-forwarded-user',
      description: 'The headers in which those proxies say who it is (x-forwarded-email,x-forwarded-user)',
    },
    actions: { type: 'boolean', description: 'Offer to pause, resume and cancel; the role must be allowed to' },
    actors: {
      type: 'string',
      valueHint: 'who',
      description: 'With --actions: only these, of those that a proxy names',
    },
  },
  async run({ args, data }) {
    keepHeapSmall();
    const { env, stop } = data as CommandData;
    const { config, server } = findDatabase(env, 'serve');
    const { host, port, access, actions } = readServeOptions(args, config, whoAsks);
    const redactor = redactorFor(env);
    const log = await createLogger({
      level: config.log.level,
      format: config.log.format ?? (isTerminal(2) ? 'pretty' : 'json'),
      write: (text) => writeAll(2, text),
      redact: redactor,
      bindings: () => ({}),
    });
    const useConnection = oneConnection(server);
    const onLost = (runId: string) =>
      void useConnection((queries) =>
        tellLost({ config, env, queries }, [runId], AbortSignal.timeout(config.notifyTimeoutMs)),
      )
        .catch((error: Error) => [error.message])
        .then((problems) => problems.forEach((problem) => void log.warn(problem)));
    const sight = openConsole(server, { maxConcurrentJobs: config.maxConcurrentJobs, onLost });
    const pages = createConsole({
      version: VERSION,
      sight,
      ...(actions && { actions: sight }),
      access,
      ...(config.traceUrl !== undefined && { traceUrl: config.traceUrl }),
      log,
      redact: redactor.text,
    });
    const listening = await listen(pages.fetch as Parameters<typeof listen>[0], { host, port }).catch(
      (error: NodeJS.ErrnoException) => {
        throw new UnavailableError(tellListening(error, host, port), { cause: error });
      },
    );
    let away = false;
    const unsubscribe = sight.onProblem((problem) => {
      if (problem !== undefined && !away) log.warn(`the database can't be read: ${problem.message}`);
      if (problem === undefined && away) log.info('the database can be read again');
      away = problem !== undefined;
    });
    sight.start();
    log.info(`the console is at ${listening.url}`);
    const stopNotifying = startNotifier({ config, env, useConnection, log });

    await stop.race(new Promise(() => {})).catch(() => {});
    unsubscribe();
    const notified = stopNotifying();
    pages.drain();
    // Who routes requests to us has to hear first that we aren't ready.
    if (!access.loopback) await sleep(NOT_READY_MS);
    pages.close();
    await listening.drain();
    await sight.close();
    await notified;
    log.info('the console has stopped');
    const { cause } = stop;
    if (cause?.kind === 'crash') throw cause.error;
    return EXIT.ok;
  },
});

function tellListening({ code, message }: NodeJS.ErrnoException, host: string, port: number): string {
  switch (code) {
    case 'EADDRINUSE':
      return `something else listens on ${host} port ${port} already: choose another with --port`;
    case 'EACCES':
      return `this user may not listen on port ${port}: choose one above 1023 with --port`;
    case 'EADDRNOTAVAIL':
    case 'ENOTFOUND':
      return `${host} is no address of this machine: name one with --host, or 0.0.0.0 for all`;
    default:
      return `can't listen on ${host} port ${port}: ${message}`;
  }
}
