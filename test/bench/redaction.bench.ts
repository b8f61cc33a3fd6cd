// `npm run bench -- redaction [rounds]`: how often the redactor errs, both ways, and how fast it is.
import { createRedactor, secretsOf } from '../../src/runner/redact.ts';
import { falseAlarms, missedByLook, missedThoughKnown } from '../runner/secrets/rates.ts';
import { KNOWN_SECRETS } from '../runner/secrets/samples.ts';
import { tell } from './report.ts';

const LINE = 'the order 4711 of ada@example.org was sent by postgres://db:5432/shop, attempt 2 of 3, rows=3 took=12ms ';

/** @param args how often each kind of secret is drawn anew (20) */
export async function bench([rounds = '20']: readonly string[]): Promise<void> {
  const rates = [missedThoughKnown(), missedByLook(Number(rounds)), falseAlarms()];
  for (const { wrong } of rates) for (const text of wrong.slice(0, 20)) console.log(text);
  const speeds = [speedOf(LINE, 2_000), speedOf(LINE.repeat(10_000), 1)];
  const rows = [
    ...rates.map(({ what, tried, wrong }) => [
      what,
      `${wrong.length} of ${tried}`,
      `${((100 * wrong.length) / tried).toFixed(3)} %`,
    ]),
    ...speeds.map(({ characters, ms }) => [`time for ${characters} characters`, `${ms.toFixed(3)} ms`, '']),
  ];
  tell('redaction', ['what', 'count', 'rate'], rows, {
    rates: rates.map(({ what, tried, wrong }) => ({ what, tried, wrong: wrong.length })),
    speeds,
  });
}

/** The mean over `times`, with the secrets of an ordinary environment. */
function speedOf(text: string, times: number): { characters: number; ms: number } {
  const redactor = createRedactor([
    ...KNOWN_SECRETS,
    ...secretsOf({ DATABASE_URL: 'postgres://app:p%40ssword@db/app' }),
  ]);
  redactor.text(text);
  const startedAt = performance.now();
  for (let time = 0; time < times; time += 1) redactor.text(text);
  return { characters: text.length, ms: (performance.now() - startedAt) / times };
}
