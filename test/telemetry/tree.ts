// A trace as an indented list of names, to be read at a glance in a test.
import type { ReceivedSpan } from '../support/otlp-payloads.ts';

/** Each span's name, below its parent's; an error is marked. The order is that in which they began. */
export function tree(spans: readonly ReceivedSpan[], parentSpanId = '', indent = ''): string[] {
  return spans
    .filter((span) => span.parentSpanId === parentSpanId)
    .sort((a, b) => Number(a.startedAt - b.startedAt))
    .flatMap((span) => [
      `${indent}${span.name}${span.status === 'error' ? ' (error)' : ''}`,
      ...tree(spans, span.spanId, `${indent}  `),
    ]);
}
