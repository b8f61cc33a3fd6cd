// What runs a run's programs, and what becomes of their output. Loaded when the first one is started.
import { type LastLines, MOST_LINES } from '../log/last-lines.ts';
import { createProgramLog, mayBeParted, type ProgramLogOptions, unpart } from '../log/program-log.ts';
import { Executor } from '../process/child/executor.ts';
import { createLineRedactor, type LineRedactor } from '../process/child/redact-lines.ts';
import { withHint } from '../runner/hint.ts';
import type { Programs } from '../runner/ports.ts';
import type { Redactor } from '../runner/redact.ts';

export type StreamName = 'stdout' | 'stderr';

/** Where a program's output goes when it isn't logged. */
export interface ProgramScreen {
  /** Passes bytes on as they are; returns why they can't be written, where they can't. */
  pass(stream: StreamName, bytes: Uint8Array): NodeJS.ErrnoException | undefined;
  /** Where somebody looks on: shows redacted text as if the program ran alone. */
  readonly show?: ((stream: StreamName, text: string) => void) | undefined;
}

/** What programs are run with. */
export interface ProgramsOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly home: URL;
  readonly runId: string;
  readonly redactor: Redactor;
  readonly log: Omit<ProgramLogOptions, 'redact'>;
  readonly screen: ProgramScreen;
  readonly lastLines: LastLines;
}

/** From so many batches of lines on, each of 64 KiB at the most, a program writes much. */
const MANY_BATCHES = 100;

/**
 * Each line is garbage as soon as it is logged, and V8 would let the room for that grow to a hundred megabytes. Not from the beginning: what
 * tells V8 takes 5 ms to load.
 */
function inLittleMemory<Batch>(log: (batch: Batch) => void): (batch: Batch) => void {
  let batches = 0;
  return (batch) => {
    log(batch);
    batches += 1;
    if (batches === MANY_BATCHES) void import('../process/small-heap.ts').then(({ keepHeapSmall }) => keepHeapSmall());
  };
}

/** Shows text as its lines would be logged, so that a private key that comes line by line is none either. */
function redactedShow(
  show: NonNullable<ProgramScreen['show']>,
  redactors: Readonly<Record<StreamName, LineRedactor>>,
  tell: (line: string) => string,
): NonNullable<ProgramScreen['show']> {
  return (stream, text) => {
    const lines = text.split('\n');
    redactors[stream](lines);
    show(stream, lines.map(tell).join('\n'));
  };
}

export function createExecutor({ env, home, runId, redactor, log, screen, lastLines }: ProgramsOptions): Programs {
  const { show } = screen;
  const hinting = withHint(redactor);
  const tell = (line: string) => unpart(line, hinting);
  return new Executor({
    env,
    runId,
    guardianWithoutShell: new URL('guardian-without-shell.js', home),
    output: {
      redactor: () => createLineRedactor(hinting),
      log: inLittleMemory(createProgramLog({ ...log, redact: hinting })),
      // Few of them are ever read.
      remember: (lines) =>
        lastLines.push(lines.slice(-MOST_LINES).map((line) => (mayBeParted(line) ? () => tell(line) : line))),
      pass: screen.pass,
      show:
        show && redactedShow(show, { stdout: createLineRedactor(hinting), stderr: createLineRedactor(hinting) }, tell),
    },
  });
}
