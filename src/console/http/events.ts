// Server-Sent Events: tells browsers which names have changed, so that they fetch their page anew.
// https://html.spec.whatwg.org/multipage/server-sent-events.html
import type { ServerResponse } from 'node:http';
import type { Sight } from '../ports.ts';
import { SECURITY_HEADERS } from './headers.ts';

/** Who is told at once, at most. */
const MOST_LISTENERS = 2_000;

/** More names than this are told as all. */
const MOST_NAMES = 50;

/** So that proxies between us don't take silence for the end. */
const HEARTBEAT_MS = 15_000;

/** A listener that has so many bytes waiting reads too slowly. */
const MOST_WAITING = 65_536;

/** How soon a browser comes back after an end, in milliseconds. */
const RETRY_MS = 2_000;

/** All browsers that listen. */
export class Events {
  static readonly contentType = 'text/event-stream; charset=utf-8';

  readonly #listeners = new Set<ServerResponse>();
  readonly #sight: Pick<Sight, 'onChange'>;
  #unsubscribe: (() => void) | undefined;
  #heartbeat: NodeJS.Timeout | undefined;
  #closed = false;

  constructor(sight: Pick<Sight, 'onChange'>) {
    this.#sight = sight;
  }

  get size(): number {
    return this.#listeners.size;
  }

  /** Makes a listener of who gets this response; false when there are too many, or we are stopping. */
  add(response: ServerResponse): boolean {
    if (this.#closed || this.#listeners.size >= MOST_LISTENERS) return false;
    response.writeHead(200, {
      ...SECURITY_HEADERS,
      'content-type': Events.contentType,
      'cache-control': 'no-store',
      // nginx keeps what it gets for itself otherwise.
      'x-accel-buffering': 'no',
    });
    response.write(`retry: ${RETRY_MS}\n\n`);
    this.#listeners.add(response);
    response.on('close', () => this.#remove(response));
    response.on('error', () => this.#remove(response));
    if (this.#unsubscribe === undefined) {
      this.#unsubscribe = this.#sight.onChange((names) => this.#tell(names));
      this.#heartbeat = setInterval(() => this.#send(': still here\n\n'), HEARTBEAT_MS).unref();
    }
    return true;
  }

  /** Ends all of them; browsers come back, to another replica. */
  close(): void {
    this.#closed = true;
    for (const response of this.#listeners) response.end();
    this.#rest();
  }

  #remove(response: ServerResponse): void {
    this.#listeners.delete(response);
    if (this.#listeners.size === 0) this.#rest();
  }

  /** Nobody listens: then nobody needs to look so often. */
  #rest(): void {
    clearInterval(this.#heartbeat);
    this.#unsubscribe?.();
    this.#unsubscribe = undefined;
  }

  #tell(names: ReadonlySet<string> | undefined): void {
    const told = names !== undefined && names.size <= MOST_NAMES ? [...names] : undefined;
    this.#send(`event: change\ndata: ${JSON.stringify(told === undefined ? { all: true } : { names: told })}\n\n`);
  }

  #send(text: string): void {
    for (const response of this.#listeners) {
      if (response.writableLength > MOST_WAITING) response.destroy();
      else response.write(text);
    }
  }
}
