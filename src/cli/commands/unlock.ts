// `run-job unlock`: says who holds the lock of a name, and ends the connection that holds it.
import { createInterface } from 'node:readline/promises';
import { defineCommand } from 'citty';
import { nameOf } from '../../app/database-names.ts';
import { withDatabase } from '../../app/with-database.ts';
import { UnavailableError, UsageError } from '../../errors.ts';
import type { HoldingSession } from '../../postgres/holder.ts';
import { endSessions, sessionsOf } from '../../postgres/unlock.ts';
import { EXIT } from '../../runner/outcome.ts';
import { type CommandData, jobSearch } from '../command.ts';
import { print, tellAgo } from '../terminal/print.ts';
import { isTerminal } from '../terminal/stdio.ts';

export default defineCommand({
  meta: {
    name: 'unlock',
    description: 'Say who holds the lock of a name, and end the connection that holds it, which stops that run',
  },
  args: {
    name: { type: 'positional', required: true, description: 'What the runs are known by: a job, or what --as said' },
    yes: { type: 'boolean', description: 'Don’t ask' },
  },
  async run({ args: { name: given, yes }, data }) {
    const { env } = data as CommandData;
    return withDatabase(env, 'unlock', async (connection, { server, config }) => {
      const search = jobSearch(data as CommandData, config);
      const held = await sessionsOf(connection, given, server.connectTimeoutMs);
      // Who holds a lock needn't have a record yet.
      const job = held.length > 0 ? given : await nameOf(given, connection, search);
      const sessions = job === given ? held : await sessionsOf(connection, job, server.connectTimeoutMs);
      if (sessions.length === 0) {
        print(`nobody holds the lock of ${job}\n`);
        return EXIT.ok;
      }
      for (const session of sessions) print(`${job} is locked by ${tellHolder(session, new Date())}\n`);
      if (!yes && !(await confirm(sessions.length))) {
        print('left as it is\n');
        return EXIT.failed;
      }
      const left = await endSessions(connection, job, sessions, server.connectTimeoutMs);
      if (left.length > 0) {
        throw new UnavailableError(
          `the lock of ${job} is still held: PostgreSQL doesn't end the connection; try again`,
        );
      }
      print(`the lock of ${job} is free; the run that held it stops\n`);
      return EXIT.ok;
    });
  },
});

function tellHolder({ runId, place, since, backendPid }: HoldingSession, now: Date): string {
  const facts = [
    runId === undefined ? 'an unknown run' : `run ${runId}`,
    place?.podName && `pod ${place.namespace ? `${place.namespace}/` : ''}${place.podName}`,
    place?.nodeName && `node ${place.nodeName}`,
    place?.host && `host ${place.host}, process ${place.pid}`,
    since && `since ${since.toISOString()} (${tellAgo(since, now)})`,
    `server process ${backendPid}`,
  ];
  return facts.filter(Boolean).join(', ');
}

async function confirm(count: number): Promise<boolean> {
  if (!process.stdin.isTTY || !isTerminal(2))
    throw new UsageError('add --yes to end the connection without being asked');
  const prompt = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const answer = await prompt.question(
      `End ${count === 1 ? 'this connection' : `these ${count} connections`}? [y/N] `,
    );
    return /^y(es)?$/i.test(answer.trim());
  } finally {
    prompt.close();
  }
}
