// Stands in for node-postgres' `crypto/utils` in the bundle: the same functions on `node:crypto`. WebCrypto, which node-postgres uses
// so as to run elsewhere too, takes 10 ms to load and hops through the thread pool for each of the five HMACs of a login.
import { promisify } from 'node:util';
import { crypto } from './crypto.ts';

export const randomBytes = (size: number): Buffer => crypto().randomBytes(size);

export const sha256 = (data: Uint8Array): Buffer => hashByName('sha256', data);

export const hashByName = (name: string, data: Uint8Array): Buffer =>
  crypto().createHash(name.replace('-', '')).update(data).digest();

export const hmacSha256 = (key: Uint8Array, message: string): Buffer =>
  crypto().createHmac('sha256', key).update(message).digest();

export const md5 = (text: string | Uint8Array): string => crypto().createHash('md5').update(text).digest('hex');

/** https://www.postgresql.org/docs/current/protocol-flow.html, AuthenticationMD5Password */
export const postgresMd5PasswordHash = (user: string, password: string, salt: Uint8Array): string =>
  `md5${md5(Buffer.concat([Buffer.from(md5(password + user)), salt]))}`;

const keys = new Map<string, Promise<Buffer>>();

/** The connections of one run log in with the same password and the role's one salt: the costly part is done once. */
export function deriveKey(password: string, salt: Uint8Array, iterations: number): Promise<Buffer> {
  const id = `${iterations} ${Buffer.from(salt).toString('base64')} ${password}`;
  const known = keys.get(id);
  if (known) return known;
  const derived = promisify(crypto().pbkdf2)(password, salt, iterations, 32, 'sha256');
  keys.set(id, derived);
  return derived;
}
