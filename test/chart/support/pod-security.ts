// Pod Security Standards, profile `restricted`, as the admission controller checks a pod.
// https://kubernetes.io/docs/concepts/security/pod-security-standards/
import type { PodOf } from './chart.ts';

const VOLUMES = [
  'configMap',
  'csi',
  'downwardAPI',
  'emptyDir',
  'ephemeral',
  'persistentVolumeClaim',
  'projected',
  'secret',
];
const PROFILES = ['RuntimeDefault', 'Localhost'];

/** Every way in which a pod breaks the profile; empty when it would be admitted. */
export function violations({ object, spec }: PodOf): string[] {
  const found: string[] = [];
  const say = (message: string) => found.push(`${object.kind} ${object.metadata.name}: ${message}`);
  const pod = spec.securityContext ?? {};
  for (const field of ['hostNetwork', 'hostPID', 'hostIPC']) if (spec[field]) say(`${field} is on`);
  for (const { name, ...source } of spec.volumes ?? [])
    for (const kind of Object.keys(source)) if (!VOLUMES.includes(kind)) say(`volume ${name} is a ${kind}`);
  if (pod.runAsUser === 0) say('runs as root');
  if (pod.seccompProfile && !PROFILES.includes(pod.seccompProfile.type)) say('seccompProfile');
  if ((pod.sysctls ?? []).length > 0) say('sysctls');
  for (const container of [...(spec.initContainers ?? []), ...spec.containers]) {
    const own = container.securityContext ?? {};
    const complain = (message: string) => say(`container ${container.name}: ${message}`);
    if (own.allowPrivilegeEscalation !== false) complain('allowPrivilegeEscalation must be false');
    if (own.privileged) complain('is privileged');
    if (!(own.runAsNonRoot ?? pod.runAsNonRoot)) complain('runAsNonRoot must be true');
    if (own.runAsUser === 0) complain('runs as root');
    if (!own.capabilities?.drop?.includes('ALL')) complain('must drop ALL capabilities');
    for (const capability of own.capabilities?.add ?? [])
      if (capability !== 'NET_BIND_SERVICE') complain(`adds ${capability}`);
    if (!PROFILES.includes((own.seccompProfile ?? pod.seccompProfile)?.type))
      complain('seccompProfile must be RuntimeDefault or Localhost');
    for (const { hostPort } of container.ports ?? []) if (hostPort) complain('has a hostPort');
    if (own.procMount && own.procMount !== 'Default') complain('procMount');
  }
  return found;
}
