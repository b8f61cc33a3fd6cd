// The file in which a program keeps its progress: written before it starts, and saved while it runs, when it is to stop, and after it.
import { writeFileSync } from 'node:fs';
import type { ProgramCheckpoint } from '../../runner/ports.ts';
import { readFileText } from './read-file.ts';

/** How often the file is looked at: whoever is killed without a word loses no more. */
const LOOK_MS = 5_000;

/** As much as a checkpoint may have. */
const MOST_BYTES = 256 * 1024;

/** Saves what a program writes to the file `path`. */
export class CheckpointFile {
  readonly #path: string;
  readonly #checkpoint: ProgramCheckpoint;
  readonly #warn: (problem: string) => void;
  readonly #timer: NodeJS.Timeout;
  #saved: string;
  /** Whether it has been told already that what is in the file can't be saved. */
  #warned = false;
  #saving: Promise<void> = Promise.resolve();

  constructor(path: string, checkpoint: ProgramCheckpoint, warn: (problem: string) => void) {
    this.#path = path;
    this.#checkpoint = checkpoint;
    this.#warn = warn;
    this.#saved = checkpoint.text ?? '';
    if (checkpoint.text !== undefined) writeFileSync(path, checkpoint.text, { mode: 0o600 });
    this.#timer = setInterval(() => void this.save(), LOOK_MS).unref();
  }

  /** Saves what is in the file, unless that is saved already. Never rejects. */
  save(): Promise<void> {
    this.#saving = this.#saving.then(() => this.#save());
    return this.#saving;
  }

  /** The program has ended: saves what it has left. */
  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.save();
  }

  async #save(): Promise<void> {
    const text = this.#read();
    // Empty for a moment, where a program writes it anew instead of replacing it.
    if (text === undefined || text === '' || text === this.#saved) return;
    if (await this.#checkpoint.save(text)) this.#saved = text;
  }

  #read(): string | undefined {
    const { text, problem } = readFileText(this.#path, MOST_BYTES);
    if (problem !== undefined && !this.#warned) this.#warn(problem);
    this.#warned = problem !== undefined;
    return text;
  }
}
