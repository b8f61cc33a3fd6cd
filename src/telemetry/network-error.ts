// Why the collector couldn't be spoken to, in the few words that a warning has room for.

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'its host is unreachable',
};

export function explainNetworkError(error: Error & { code?: unknown }): string {
  const code = String(error.code ?? '');
  return CAUSES[code] ?? (error.message || code || 'for no reason given');
}
