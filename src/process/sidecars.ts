// Sidecars that were injected into the pod as ordinary containers, and would keep its Job from ending.
import { STEP_LIMITS } from '../runner/limited.ts';

/** Asks them to stop, all at once. Best effort: never rejects, and whether it works changes nothing. */
export async function shutDownSidecars(urls: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(STEP_LIMITS.shutdownUrls);
  await Promise.allSettled(urls.map((url) => fetch(url, { method: 'POST', signal })));
}
