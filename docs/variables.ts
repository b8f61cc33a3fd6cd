// The environment variables, read off the table that validates them.
import { ENVIRONMENT } from '../src/app/environment.ts';

export interface Variable {
  readonly name: string;
  /** Empty when there is none. */
  readonly fallback: string;
  readonly description: string;
}

/** Every variable of the table, in its order. */
export function describeVariables(): Variable[] {
  return Object.entries(ENVIRONMENT).map(([name, { fallback, description }]) => ({ name, fallback, description }));
}
