// What is said of the process that sends: service, host, process, container and Kubernetes.
import { readFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import type { Attributes } from '@opentelemetry/api';
import { defaultResource, type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import type { TelemetryOptions } from './options.ts';

/**
 * The run's resource. `OTEL_RESOURCE_ATTRIBUTES` and `OTEL_SERVICE_NAME` are laid over it by the SDK. Unlike the SDK's own detector of
 * the process it doesn't tell the command line, where a parameter may be a secret.
 */
export function runResource({ runId, version, place }: TelemetryOptions): Resource {
  const attributes: Attributes = {
    'service.name': 'run-job',
    'service.version': version,
    'service.instance.id': runId,
    'host.name': place.host,
    'host.arch': ARCHITECTURES[arch()] ?? arch(),
    'os.type': platform(),
    'os.version': release(),
    'process.pid': place.pid,
    'process.executable.path': process.execPath,
    'process.runtime.name': 'nodejs',
    'process.runtime.version': process.versions.node,
    'container.id': containerId(),
    'k8s.namespace.name': place.namespace,
    'k8s.node.name': place.nodeName,
    'k8s.pod.name': place.podName,
    'k8s.job.name': place.jobName,
    'k8s.cronjob.name': place.cronJobName,
  };
  const known = Object.entries(attributes).filter(([, value]) => value !== undefined && value !== '');
  return defaultResource().merge(resourceFromAttributes(Object.fromEntries(known)));
}

/** Node's names for processors, where OpenTelemetry's differ. */
const ARCHITECTURES: Readonly<Record<string, string>> = { x64: 'amd64', arm: 'arm32', ia32: 'x86' };

/** The container's id: the last part of the control group (v1), else where the runtime mounts /etc/hostname from (v2). */
function containerId(): string | undefined {
  const group = /[/:-]([0-9a-f]{64})(?:\.scope)?$/m.exec(read('/proc/self/cgroup'))?.[1];
  // containerd mounts it from the pod's sandbox, whose id is not the container's, and better untold than wrong.
  return group ?? /\/containers\/([0-9a-f]{64})\/.*\/etc\/hostname/.exec(read('/proc/self/mountinfo'))?.[1];
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
