// What each service that runs check in with is to this program.
import type { OutgoingRequest } from '../runner/ports.ts';
import type { CheckInEvent } from './event.ts';

/** A service, at the address that was given. */
export interface CheckInService {
  /** Its name and host, without a secret. */
  readonly label: string;
  /** What a good answer doesn't prove. */
  readonly unproved?: string;
  /** How the event is told; undefined where the service has no word for it. */
  request(event: CheckInEvent): OutgoingRequest | undefined;
  /** What is wrong with an answer of this status, and what to do about it; undefined where nothing is. */
  problem(status: number, name: string): string | undefined;
}

/** What any service may answer with. */
export function commonProblem(status: number): string | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return `it answered ${status}, which leads elsewhere: name that address instead`;
  if (status === 401 || status === 403) return `it answered ${status}: is the key right?`;
  if (status === 429) return 'it answered 429: it is told more than it takes';
  return `it answered ${status}`;
}
