// Sends what is to be told of a run that can't do so itself, with HTTP, which is loaded only then.
import type { OutgoingRequest } from '../runner/ports.ts';

/** Sends all at once, within `limitMs`. Best effort: never rejects, and nobody hears of what goes wrong. */
export async function sendAll(requests: readonly OutgoingRequest[], limitMs: number): Promise<void> {
  const { send } = await import('../http/send.ts');
  const signal = AbortSignal.timeout(limitMs);
  await Promise.allSettled(requests.map((request) => send(request, { signal, env: process.env })));
}
