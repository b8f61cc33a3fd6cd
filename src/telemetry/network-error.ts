// Why the collector couldn't be spoken to, in the few words that a warning has room for.

const CAUSES: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'the connection was refused',
  ECONNRESET: 'the connection was reset',
  EPIPE: 'the connection was reset',
  ENOTFOUND: 'its host name is unknown',
  EAI_AGAIN: 'its host name could not be looked up',
  ETIMEDOUT: 'the connection timed out',
  EHOSTUNREACH: 'its host is unreachable',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another host',
};

/** Nobody whom we trust vouches for the certificate. */
const UNTRUSTED =
  /^(?:DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|UNABLE_TO_(?:GET_ISSUER_CERT|GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE))$/;

export function explainNetworkError(error: Error & { code?: unknown }): string {
  const code = String(error.code ?? '');
  // Which proxy and which host, with the login, is in Node's own words.
  if (code === 'ERR_PROXY_TUNNEL')
    return `the proxy refused (${/HTTP\/\d\S* (\d{3})/.exec(error.message)?.[1] ?? 'without a status'})`;
  if (UNTRUSTED.test(code)) return 'nobody vouches for its certificate: name the authority in NODE_EXTRA_CA_CERTS';
  return CAUSES[code] ?? (error.message || code || 'for no reason given');
}
