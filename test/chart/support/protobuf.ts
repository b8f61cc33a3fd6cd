// Reads a Secret as client-go sends it: helm keeps its releases in Secrets, and writes those in Protocol Buffers only.
// https://kubernetes.io/docs/reference/using-api/api-concepts/#protobuf-encoding

const MAGIC = 'k8s\0';

/** The fields of a message, by number; each may be there several times. Numbers are of no use here and left out. */
function fields(message: Buffer): Map<number, Buffer[]> {
  const found = new Map<number, Buffer[]>();
  let at = 0;
  const varint = () => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++] ?? 0;
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const tag = varint();
    if (tag % 8 === 0) {
      varint();
      continue;
    }
    if (tag % 8 !== 2) throw new Error(`field ${tag >> 3} has wire type ${tag % 8}`);
    const length = varint();
    const number = Math.floor(tag / 8);
    found.set(number, [...(found.get(number) ?? []), message.subarray(at, at + length)]);
    at += length;
  }
  return found;
}

const text = (message: Map<number, Buffer[]>, number: number) => message.get(number)?.[0]?.toString() ?? '';

function map(entries: readonly Buffer[] = [], encoding: BufferEncoding = 'utf8'): Record<string, string> {
  return Object.fromEntries(
    entries.map((entry) => {
      const pair = fields(entry);
      return [text(pair, 1), pair.get(2)?.[0]?.toString(encoding) ?? ''];
    }),
  );
}

/** The Secret in a request's body. @throws {Error} the body is something else */
export function readSecret(body: Buffer): object {
  if (body.toString('latin1', 0, 4) !== MAGIC) throw new Error('this is no object of Kubernetes');
  const secret = fields(fields(body.subarray(4)).get(2)?.[0] ?? Buffer.alloc(0));
  const metadata = fields(secret.get(1)?.[0] ?? Buffer.alloc(0));
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    metadata: { name: text(metadata, 1), namespace: text(metadata, 3), labels: map(metadata.get(11)) },
    data: map(secret.get(2), 'base64'),
    type: text(secret, 3),
  };
}
