// Sidecars that were injected into the pod as ordinary containers, and would keep its Job from ending.

/** How long all of them together may take to answer. */
export const SIDECARS_LIMIT_MS = 2_000;

/** Asks them to stop. Best effort: never rejects, and whether it works changes nothing. */
export async function shutDownSidecars(urls: readonly string[]): Promise<void> {
  const signal = AbortSignal.timeout(SIDECARS_LIMIT_MS);
  await Promise.allSettled(urls.map((url) => fetch(url, { method: 'POST', signal })));
}
