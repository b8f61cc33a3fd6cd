// Runs one RabbitMQ node: a program of this machine, or a container.
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onFreePorts } from './free-port.ts';
import { type GuardedProcess, startGuarded } from './guarded-process.ts';
import { findProgram } from './install.ts';
import { type RabbitMqAddress, type RabbitMqServer, rabbitmqctl } from './rabbitmqctl.ts';

const run = promisify(execFile);

const IMAGE = 'rabbitmq:4-management-alpine';
const READY = /Server startup complete/;
// A warm start takes six seconds of a processor that may be busy with other tests.
const TIMEOUT_MS = 120_000;

/** Starts a node with this rabbitmq-server program. */
export function startNode(program: string): Promise<RabbitMqServer> {
  return onFreePorts(4, (...ports) => startNodeOn(program, ports as [number, number, number, number]));
}

async function startNodeOn(program: string, ports: [number, number, number, number]): Promise<RabbitMqServer> {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-rabbitmq-'));
  const [amqp, management, distribution, portMapper] = ports;
  const at = (name: string) => join(folder, name);
  mkdirSync(at('home'));
  writeFileSync(at('enabled_plugins'), '[rabbitmq_management].\n');
  writeFileSync(
    at('rabbitmq.conf'),
    [
      `listeners.tcp.1 = 127.0.0.1:${amqp}`,
      'management.tcp.ip = 127.0.0.1',
      `management.tcp.port = ${management}`,
      'log.console = true',
      'log.console.level = info',
      'log.file = false',
      'disk_free_limit.absolute = 50MB',
    ].join('\n'),
  );
  const env = {
    HOME: at('home'),
    RABBITMQ_NODENAME: `run_job_${randomUUID().slice(0, 8)}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_CONFIG_FILE: at('rabbitmq.conf'),
    RABBITMQ_CONF_ENV_FILE: at('none'),
    RABBITMQ_ENABLED_PLUGINS_FILE: at('enabled_plugins'),
    RABBITMQ_MNESIA_BASE: at('data'),
    RABBITMQ_LOG_BASE: at('log'),
    RABBITMQ_PID_FILE: at('pid'),
    ERL_CRASH_DUMP: at('erl_crash.dump'),
    // A port mapper of its own, that ends with the node.
    ERL_EPMD_PORT: String(portMapper),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // One scheduler that sleeps when idle: tests share the processors with it.
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
  const launch = () =>
    startGuarded({
      // The node finds this port mapper running and starts none, which would outlive it.
      command: '/bin/sh',
      args: ['-c', 'epmd & exec "$0"', program],
      env: { ...process.env, ...env },
      folder,
      ready: READY,
      timeoutMs: TIMEOUT_MS,
      lastSignal: 'SIGKILL',
    });
  return server(launch, {
    url: `amqp://guest:guest@127.0.0.1:${amqp}`,
    managementUrl: `http://guest:guest@127.0.0.1:${management}`,
    control: { command: join(dirname(program), 'rabbitmqctl'), args: ['-q'], env },
  });
}

/** Whether Docker works and has, or could fetch, the image. */
export async function pullImage(): Promise<boolean> {
  if (!findProgram('docker')) return false;
  return run('docker', ['pull', '-q', IMAGE]).then(
    () => true,
    () => false,
  );
}

/** Starts a node in a container. */
export function startContainer(): Promise<RabbitMqServer> {
  return onFreePorts(2, (...ports) => startContainerOn(ports as [number, number]));
}

async function startContainerOn([amqp, management]: [number, number]): Promise<RabbitMqServer> {
  const folder = mkdtempSync(join(tmpdir(), 'run-job-rabbitmq-'));
  const name = `run-job-${randomUUID().slice(0, 8)}`;
  const publish = ['-p', `127.0.0.1:${amqp}:5672`, '-p', `127.0.0.1:${management}:15672`];
  const launch = () =>
    startGuarded({
      command: 'docker',
      args: ['run', '--rm', '--name', name, ...publish, IMAGE],
      folder,
      ready: READY,
      timeoutMs: TIMEOUT_MS,
      // The client passes it on to the container; it couldn't pass on SIGKILL.
      lastSignal: 'SIGTERM',
    });
  return server(launch, {
    url: `amqp://guest:guest@127.0.0.1:${amqp}`,
    managementUrl: `http://guest:guest@127.0.0.1:${management}`,
    control: { command: 'docker', args: ['exec', name, 'rabbitmqctl', '-q'], env: {} },
  });
}

async function server(launch: () => Promise<GuardedProcess>, address: RabbitMqAddress): Promise<RabbitMqServer> {
  let node = await launch();
  return {
    address,
    url: address.url,
    ctl: (...args) => rabbitmqctl(address, ...args),
    stop: () => node.stop(address.control?.command === 'docker' ? 'SIGTERM' : 'SIGKILL'),
    async start() {
      if (node.ended) node = await launch();
    },
    [Symbol.asyncDispose]: () => node.remove(),
  };
}
