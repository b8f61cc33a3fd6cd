// Runs in the cluster with the image's own Node: `declare` binds a queue to the reports, `consume` takes one message and prints it.
const [, , command] = process.argv;
const { RABBITMQ_PASSWORD, AMQP_EXCHANGE = 'run_job.events' } = process.env;
const QUEUE = 'smoke-reports';
const authorization = `Basic ${Buffer.from(`app:${RABBITMQ_PASSWORD}`).toString('base64')}`;

async function call(method, path, body) {
  const response = await fetch(`http://rabbitmq:15672/api${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return text ? JSON.parse(text) : undefined;
}

if (command === 'declare') {
  await call('PUT', `/exchanges/%2F/${AMQP_EXCHANGE}`, { type: 'topic', durable: true });
  await call('PUT', `/queues/%2F/${QUEUE}`, { durable: true });
  await call('POST', `/bindings/%2F/e/${AMQP_EXCHANGE}/q/${QUEUE}`, { routing_key: 'report.weekly.generated' });
} else {
  const messages = await call('POST', `/queues/%2F/${QUEUE}/get`, {
    count: 10,
    ackmode: 'ack_requeue_false',
    encoding: 'auto',
  });
  console.log(
    JSON.stringify({
      messages: messages.length,
      id: messages[0]?.properties.message_id,
      payload: messages[0]?.payload,
    }),
  );
  if (messages.length !== 1) process.exitCode = 1;
}
