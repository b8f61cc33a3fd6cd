// exchange_rates: asks an HTTP API for the exchange rates of the slot's day, and stores them.
import { defineJob, PermanentError, RetryableError } from 'run-job';
import * as v from 'valibot';

const Answer = v.object({ rates: v.record(v.string(), v.number()) });

export default defineJob({
  name: 'exchange_rates',
  description: 'Stores the exchange rates of the day',
  timeout: '2m',
  retry: { attempts: 5, baseDelay: '2s', maxDelay: '30s' },
  needs: ['postgres'],
  params: v.object({
    url: v.pipe(v.string(), v.url(), v.description('Where the API is'), v.metadata({ env: 'RATES_URL' })),
  }),
  async run({ params, postgres, signal, scheduledAt, dryRun, log, count }) {
    // The slot's day, not today's: a run that is late, or repeated by hand, does the work of its own day.
    const day = scheduledAt.toISOString().slice(0, 10);
    const response = await fetch(`${params.url}?day=${day}`, { signal });
    if (response.status === 429 || response.status === 503) {
      const seconds = Number(response.headers.get('retry-after') ?? 0) || 0;
      throw new RetryableError(`The API is busy (${response.status})`, { retryAfter: `${seconds}s` });
    }
    if (response.status >= 400 && response.status < 500) {
      throw new PermanentError(`The API refuses the request (${response.status})`);
    }
    if (!response.ok) throw new Error(`The API failed (${response.status})`);

    const { rates } = v.parse(Answer, await response.json());
    const currencies = Object.keys(rates);
    log.info('rates fetched', { day, currencies: currencies.length });
    if (dryRun) return { day, wouldStore: currencies.length };

    // One statement, and the same rows again when it is repeated: a retry can't store anything twice.
    await postgres.query(
      `INSERT INTO exchange_rates (day, currency, rate)
       SELECT $1, * FROM unnest($2::text[], $3::numeric[])
       ON CONFLICT (day, currency) DO UPDATE SET rate = excluded.rate`,
      [day, currencies, Object.values(rates)],
    );
    count('rates_stored', currencies.length);
    return { day, stored: currencies.length };
  },
});
