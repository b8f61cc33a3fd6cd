// The folder through which a program speaks to its run: a file for its result, and one that it appends to for its progress.
import { closeSync, fstatSync, mkdtempSync, openSync, readFileSync, readSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

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
  #read = 0;

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
    let text: string;
    try {
      const file = openSync(this.#resultFile, 'r');
      try {
        const bytes = fstatSync(file).size;
        if (bytes > MOST_RESULT_BYTES) {
          return { problem: `it has ${bytes} bytes, and may have ${MOST_RESULT_BYTES}` };
        }
        text = readFileSync(file, 'utf8');
      } finally {
        closeSync(file);
      }
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'ENOENT' ? {} : { problem: `it can't be read (${code})` };
    }
    if (text.trim() === '') return {};
    try {
      return { value: JSON.parse(text) };
    } catch (error) {
      return { problem: `it isn't JSON: ${(error as Error).message}` };
    }
  }

  /** Tells the last of the progress, and removes the folder. */
  close(): void {
    clearInterval(this.#timer);
    this.#look();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  get #resultFile(): string {
    return join(this.#folder, 'result.json');
  }

  get #progressFile(): string {
    return join(this.#folder, 'progress');
  }

  /** Reads the end of what was added: earlier lines are told by the last one. */
  #look(): void {
    try {
      const file = openSync(this.#progressFile, 'r');
      try {
        const { size } = fstatSync(file);
        if (size <= this.#read) return;
        const from = Math.max(this.#read, size - MOST_PROGRESS_BYTES);
        const bytes = Buffer.alloc(size - from);
        const text = bytes.toString('utf8', 0, readSync(file, bytes, 0, bytes.length, from));
        const end = text.lastIndexOf('\n');
        if (end === -1) return;
        this.#read = from + Buffer.byteLength(text.slice(0, end + 1));
        const report = text.slice(0, end).split('\n').map(readReport).findLast(Boolean);
        if (report) this.#onProgress(report);
      } finally {
        closeSync(file);
      }
    } catch {
      // The program has removed the file: then there is no progress to tell.
    }
  }
}

/** `done`, or `done total`, as numbers. */
function readReport(line: string): ProgressReport | undefined {
  const match = /^\s*(\d+(?:\.\d+)?)(?:[\s/]+(\d+(?:\.\d+)?))?\s*$/.exec(line);
  if (!match) return undefined;
  return { done: Number(match[1]), ...(match[2] !== undefined && { total: Number(match[2]) }) };
}
