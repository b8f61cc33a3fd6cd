// The folder through which a program speaks to its run: a file for its result, and one that it appends to for its progress.
import {
  closeSync,
  constants,
  fstatSync,
  mkdtempSync,
  openSync,
  readSync,
  rmdirSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readFileText } from './read-file.ts';

/** How often the progress file is looked at. */
const LOOK_MS = 500;

const MOST_RESULT_BYTES = 64 * 1024;
const MOST_PROGRESS_BYTES = 4096;

/** What a program says of its progress. */
export interface ProgressReport {
  readonly done: number;
  readonly total?: number;
}

/** Files, so that every language can write them, a process that was handed no descriptors too, and nobody is ever blocked. */
export class Exchange {
  readonly #folder: string;
  readonly #timer: NodeJS.Timeout;
  readonly #onProgress: (report: ProgressReport) => void;
  /** The line that was told last. */
  #told: string | undefined;

  private constructor(folder: string, onProgress: (report: ProgressReport) => void) {
    this.#folder = folder;
    this.#onProgress = onProgress;
    writeFileSync(this.#progressFile, '', { mode: 0o600 });
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** Undefined where no folder for temporary files can be written to. */
  static open(onProgress: (report: ProgressReport) => void): Exchange | undefined {
    for (const parent of [tmpdir(), '/dev/shm']) {
      try {
        return new Exchange(mkdtempSync(join(parent, 'run-job-')), onProgress);
      } catch {
        // A read-only root file system.
      }
    }
    return undefined;
  }

  get variables(): Record<string, string> {
    return { RUN_JOB_RESULT_FILE: this.#resultFile, RUN_JOB_PROGRESS_FILE: this.#progressFile };
  }

  /** Where a command's program keeps its progress. */
  get checkpointFile(): string {
    return join(this.#folder, 'checkpoint');
  }

  /** The result that the program has left, and what is wrong with it; neither when it has left none. */
  result(): { readonly value?: unknown; readonly problem?: string } {
    const { text = '', problem } = readFileText(this.#resultFile, MOST_RESULT_BYTES);
    if (problem !== undefined || text.trim() === '') return { ...(problem !== undefined && { problem }) };
    try {
      return { value: parse(text) };
    } catch (error) {
      return { problem: `it isn't JSON: ${withoutText(error as Error)}` };
    }
  }

  /** Tells the last of the progress, and removes the folder. Never throws. */
  close(): void {
    clearInterval(this.#timer);
    this.#look();
    try {
      unlinkSync(this.#progressFile);
      rmdirSync(this.#folder);
    } catch {
      this.#removeAll();
    }
  }

  /** What takes longer to begin with: the program has left something there. */
  #removeAll(): void {
    try {
      rmSync(this.#folder, { recursive: true, force: true });
    } catch {
      // The program has locked it: its work is done all the same, and what lies in /tmp is nobody's evidence.
    }
  }

  get #resultFile(): string {
    return join(this.#folder, 'result.json');
  }

  get #progressFile(): string {
    return join(this.#folder, 'progress');
  }

  /** Reads the end of the file: earlier lines are told by the last one. A program may also write each anew in the place of the one before. */
  #look(): void {
    try {
      // A pipe would be waited for.
      const file = openSync(this.#progressFile, constants.O_RDONLY | constants.O_NONBLOCK);
      try {
        const stats = fstatSync(file);
        if (!stats.isFile()) return;
        const bytes = Buffer.alloc(Math.min(stats.size, MOST_PROGRESS_BYTES));
        const text = bytes.toString('latin1', 0, readSync(file, bytes, 0, bytes.length, stats.size - bytes.length));
        const line = text
          .slice(0, text.lastIndexOf('\n') + 1)
          .split('\n')
          .findLast(readReport);
        if (line === undefined || line === this.#told) return;
        this.#told = line;
        this.#onProgress(readReport(line) as ProgressReport);
      } finally {
        closeSync(file);
      }
    } catch {
      // The program has removed the file: then there is no progress to tell.
    }
  }
}

/** From here on a whole number may have more digits than JavaScript keeps. */
const MANY_DIGITS = /\d{16}/;

/** Whole numbers that JavaScript would change are BigInts: the number of an order must stay what it is. */
function parse(text: string): unknown {
  if (!MANY_DIGITS.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_, item: unknown, context?: { source?: string }) => {
    const source = context?.source ?? '';
    return typeof item === 'number' && !Number.isSafeInteger(item) && /^-?\d+$/.test(source) ? BigInt(source) : item;
  });
}

/** V8 quotes what stands around the mistake, and that may be a secret. */
const withoutText = ({ message }: Error): string =>
  message.replace(/, (?:\.{3})?".*"(?:\.{3})? is not valid JSON$/s, '');

/** `done`, or `done total`, as numbers. */
function readReport(line: string): ProgressReport | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)(?:[\s/]+(\d+(?:\.\d+)?))?\s*$/.exec(line);
  if (!match) return undefined;
  const [done, total] = [Number(match[1]), match[2] === undefined ? undefined : Number(match[2])];
  return Number.isFinite(done + (total ?? 0)) ? { done, ...(total !== undefined && { total }) } : undefined;
}
