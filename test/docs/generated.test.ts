import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { generate } from '../../docs/generate.ts';

test.each(generate())('$path holds what the code says (npm run generate)', ({ path, content }) => {
  expect(readFileSync(path, 'utf8')).toBe(content);
});
