// amqps://: the CA, the host's name and the client's certificate, on listeners that are opened on the suite's broker.
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { ConfigError } from '../../src/errors.ts';
import { freePorts } from '../support/free-port.ts';
import { rabbitmqctl } from '../support/rabbitmqctl.ts';
import { createVhost, manage, rabbitMq, type TestVhost } from '../support/vhost.ts';
import { type Certificates, makeCertificates } from './certificates.ts';
import { failure, message, open } from './open.ts';

let onThisMachine: boolean;
let certificates: Certificates;
let vhost: TestVhost;
let anyone: string;
let known: string;

/** Opens a TLS listener; `verify` asks for a certificate of our CA. */
async function listener(verify: boolean): Promise<string> {
  const [port] = await freePorts(1);
  const { ca, server } = certificates;
  const client = verify ? '{verify,verify_peer},{fail_if_no_peer_cert,true}' : '{verify,verify_none}';
  const options = `[{cacertfile,"${ca}"},{certfile,"${server.cert}"},{keyfile,"${server.key}"},${client}]`;
  await rabbitmqctl(
    await rabbitMq(),
    'eval',
    `rabbit_networking:start_ssl_listener({"127.0.0.1", ${port}}, ${options}, 1).`,
  );
  return `amqps://guest:guest@localhost:${port}/${encodeURIComponent(vhost.name)}`;
}

beforeAll(async () => {
  // A broker in a container, or one that AMQP_URL names, sees neither our files nor our ports.
  onThisMachine = !['docker', undefined].includes((await rabbitMq()).control?.command);
  if (!onThisMachine) return;
  certificates = makeCertificates();
  vhost = await createVhost();
  [anyone, known] = await Promise.all([listener(false), listener(true)]);
});

beforeEach(({ skip }) => skip(!onThisMachine, 'TLS needs a rabbitmq-server that is installed on this machine'));

afterAll(async () => {
  certificates?.[Symbol.dispose]();
  await vhost?.[Symbol.asyncDispose]();
});

test('a broker whose CA is given is trusted', async () => {
  await using rabbitmq = await open(anyone, { tls: { caFile: certificates.ca } });
  await expect(rabbitmq.publish(message('id-1', { mandatory: false }))).resolves.toBeUndefined();
});

test('a broker whose CA is unknown is refused, with the variable that mends it', async () => {
  const error = await failure(open(anyone));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(
    /^The certificate of RabbitMQ at localhost:\d+ is not trusted \(\w+\): set AMQP_CA_FILE/,
  );
});

test('a certificate for another host name is refused', async () => {
  const error = await failure(open(anyone.replace('localhost', '127.0.0.1'), { tls: { caFile: certificates.ca } }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(/not trusted \(ERR_TLS_CERT_ALTNAME_INVALID\)/);
});

test('a client certificate opens a broker that asks for one', async () => {
  const { ca, client } = certificates;
  await using rabbitmq = await open(known, { tls: { caFile: ca, certFile: client.cert, keyFile: client.key } });
  await expect(rabbitmq.publish(message('id-1', { mandatory: false }))).resolves.toBeUndefined();
});

test('with auth_mechanism=external the client certificate is the login', async () => {
  const address = await rabbitMq();
  await rabbitmqctl(
    address,
    'eval',
    `{ok, File} = application:get_env(rabbit, enabled_plugins_file),
     ok = file:write_file(File, "[rabbitmq_management,rabbitmq_auth_mechanism_ssl]."),
     {ok, _, _} = rabbit_plugins:ensure(File),
     ok = application:set_env(rabbit, ssl_options, [{verify, verify_peer}]),
     ok = application:set_env(rabbit, auth_mechanisms, ['PLAIN', 'AMQPLAIN', 'EXTERNAL']).`,
  );
  const user = encodeURIComponent('CN=client');
  await manage(address, 'PUT', `users/${user}`, { password_hash: '', tags: '' });
  await manage(address, 'PUT', `permissions/${vhost.name}/${user}`, { configure: '.*', write: '.*', read: '.*' });
  const { ca, client } = certificates;
  const url = Object.assign(new URL(`${known}?auth_mechanism=external`), { username: '', password: '' }).href;
  await using rabbitmq = await open(url, { tls: { caFile: ca, certFile: client.cert, keyFile: client.key } });
  await expect(rabbitmq.publish(message('id-1', { mandatory: false }))).resolves.toBeUndefined();
});

test('without the client certificate that the broker asks for, the error says so', async () => {
  const error = await failure(open(known, { tls: { caFile: certificates.ca } }));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(
    /^No TLS with RabbitMQ at localhost:\d+ .*client certificate \(AMQP_CERT_FILE, AMQP_KEY_FILE\)/,
  );
});

test('TLS against a port that speaks none is told as such', async () => {
  const plain = Object.assign(new URL((await rabbitMq()).url.replace('amqp:', 'amqps:')), { hostname: 'localhost' });
  const error = await failure(open(plain.href));
  expect(error).toBeInstanceOf(ConfigError);
  expect(error.message).toMatch(/check that the port speaks TLS/);
});

test('files that are missing, not PEM, or no pair are told by their variables', async () => {
  const { ca, client, server } = certificates;
  const told = async (tls: object) => (await failure(open(anyone, { tls }))).message;
  expect(await told({ caFile: '/nowhere/ca.pem' })).toBe(
    "AMQP_CA_FILE names /nowhere/ca.pem, which can't be read (ENOENT): mount the file",
  );
  expect(await told({ certFile: client.cert })).toMatch(/^AMQP_CERT_FILE and AMQP_KEY_FILE go together/);
  expect(await told({ caFile: ca, certFile: client.cert, keyFile: server.key })).toMatch(/the key is not that of the/);
  const rubbish = `${ca}.rubbish`;
  writeFileSync(rubbish, 'no certificate');
  expect(await told({ certFile: rubbish, keyFile: client.key })).toMatch(/is not PEM/);
});
