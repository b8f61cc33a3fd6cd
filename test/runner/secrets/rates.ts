// How often the redactor errs: secrets that it leaves, and harmless texts that it changes.
import { globSync, readFileSync } from 'node:fs';
import { withHint } from '../../../src/runner/hint.ts';
import { createRedactor, type Redactor } from '../../../src/runner/redact.ts';
import { ENCODINGS, HARMLESS, KNOWN_SECRETS, secretSamples } from './samples.ts';

export interface Rate {
  readonly what: string;
  readonly tried: number;
  /** Each as a person can look into it. */
  readonly wrong: readonly string[];
}

/** Secrets that nobody has told the redactor. */
export function missedByLook(rounds: number, redactor: Redactor = createRedactor([])): Rate {
  const samples = secretSamples(rounds);
  const wrong = samples
    .filter(({ text, secret }) => leaves(redactor.text(text), secret))
    .map(({ rule, text }) => `${rule}: ${text}`);
  return { what: 'unknown secrets that are left', tried: samples.length, wrong };
}

/** Secrets that it has been told, however they are written. */
export function missedThoughKnown(): Rate {
  const wrong: string[] = [];
  let tried = 0;
  for (const secret of KNOWN_SECRETS) {
    const redactor = createRedactor([secret]);
    for (const [name, encode] of Object.entries(ENCODINGS)) {
      tried += 1;
      const text = encode(secret);
      const told = redactor.text(text);
      if (told === text || leaves(told, secret)) wrong.push(`${name}: ${text} -> ${told}`);
    }
  }
  return { what: 'known secrets that are left', tried, wrong };
}

/** Every line of these is told as it is. */
export function falseAlarms(redactor: Redactor = createRedactor([])): Rate {
  const lines = [...HARMLESS, ...ownLines()];
  const wrong = lines.filter((line) => redactor.text(line) !== line).map((line) => `${line} -> ${redactor.text(line)}`);
  return { what: 'harmless texts that are changed', tried: lines.length, wrong };
}

/** Our documents and programs: what messages, stack traces and results are made of. Without those that are about secrets. */
function ownLines(): string[] {
  const files = globSync(['README.md', 'CHANGELOG.md', '.env.example', 'docs/**/*.md', 'src/**/*.ts', 'src/**/*.sql'])
    .filter((file) => !/secrets\/|redact|docs\/telemetry\.md/.test(file))
    .sort();
  return files.flatMap((file) => readFileSync(file, 'utf8').split('\n')).filter((line) => line.trim() !== '');
}

/** Half of a secret is as good as a whole one. */
function leaves(told: string, secret: string): boolean {
  if (told.includes(secret)) return true;
  const half = Math.ceil(secret.length / 2);
  return half >= 6 && (told.includes(secret.slice(0, half)) || told.includes(secret.slice(-half)));
}

/** Texts that the redactor would change and of which the hint says that there is nothing in them. */
export function wrongHints(rounds: number): Rate {
  const redactors = KNOWN_SECRETS.map((secret) => ({ secret, redactor: withHint(createRedactor([secret])) }));
  const unknown = withHint(createRedactor([]));
  const texts = [
    ...secretSamples(rounds).map(({ text }) => ({ text, redactor: unknown })),
    ...redactors.flatMap(({ secret, redactor }) =>
      Object.values(ENCODINGS).map((encode) => ({ text: encode(secret), redactor })),
    ),
  ];
  const wrong = texts
    .filter(({ text, redactor }) => redactor.text(text) !== text && !redactor.mayHoldSecret(text))
    .map(({ text }) => text);
  return { what: 'secrets that the hint says are none', tried: texts.length, wrong };
}
