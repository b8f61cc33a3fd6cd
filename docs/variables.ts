// The environment variables, read off the schema that validates them.
import { ENVIRONMENT } from '../src/app/config.ts';

export interface Variable {
  readonly name: string;
  /** Empty when there is none. */
  readonly fallback: string;
  readonly description: string;
}

/** Every variable of the schema, in its order. */
export function describeVariables(): Variable[] {
  return Object.entries(ENVIRONMENT.entries).map(([name, schema]) => {
    const [inner, action] = schema.pipe;
    return {
      name,
      fallback: 'default' in inner && typeof inner.default === 'string' ? inner.default : '',
      description: action.description,
    };
  });
}
