// Healthchecks.io, its own or self-hosted: https://healthchecks.io/docs/http_api/, hc/api/urls.py and views.py (ping, ping_by_slug): an upper-case slug or
// a rid that is no UUID is 400, a slug of several checks 409, and more than five pings a minute may be dropped.
import type { CheckInEvent, CheckInKind } from './event.ts';
import { type CheckInService, commonProblem } from './service.ts';
import { slugOf } from './slug.ts';

/** What a self-hosted one keeps of a body, in bytes. */
const LARGEST_BODY = 10_000;

const SUFFIX: Record<CheckInKind, string> = { start: '/start', log: '/log', success: '', failure: '/fail' };

export const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/**
 * A check by its UUID, or by a ping key and its slug, which is made of the name unless given.
 * @param path what follows the address: `<uuid>`, `<ping key>` or `<ping key>/<slug>`
 */
export function healthchecks(base: string, path: readonly string[], query: URLSearchParams): CheckInService {
  const [first = '', slug] = path;
  const byKey = !UUID.test(first);
  const label = `Healthchecks at ${new URL(base).host}`;
  return {
    label,
    request(event: CheckInEvent) {
      const where = byKey ? `${first}/${slug ?? slugOf(event.name)}` : first;
      const search = new URLSearchParams({ rid: event.id });
      if (byKey && query.get('create') === '1') search.set('create', '1');
      return {
        to: label,
        method: 'POST',
        url: `${base}/${where}${SUFFIX[event.kind]}?${search}`,
        headers: { 'content-type': 'text/plain; charset=utf-8' },
        body: cutBytes(event.text, LARGEST_BODY),
      };
    },
    problem(status, name) {
      const check = byKey ? (slug ?? slugOf(name)) : 'this UUID';
      if (status === 404) return `it has no check ${check}: make it there, or add ?create=1 to the URL`;
      if (status === 409) return `it has several checks ${check}: give one of them another slug`;
      return commonProblem(status);
    },
  };
}

/** The text's beginning, without half a character at the end. */
function cutBytes(text: string, most: number): string {
  const bytes = Buffer.from(text);
  return bytes.length <= most ? text : new TextDecoder().decode(bytes.subarray(0, most), { stream: true });
}
