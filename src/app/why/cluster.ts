// The cluster, if any can be reached: the one that we run in, or the one that kubectl knows.
import { hasCode, UnavailableError } from '../../errors.ts';
import { type Cluster, ownCluster } from '../../kubernetes/in-cluster.ts';
import { type ClusterView, lookAt, type Sought } from '../../kubernetes/look.ts';
import { kubectl } from '../../process/kubectl.ts';

/** What was seen of it, or why nothing was. */
export type Look = { readonly view: ClusterView } | { readonly unseen: string };

/** Looks at the cluster; what keeps us from it is a part of the answer. */
export async function lookAtCluster(env: NodeJS.ProcessEnv, sought: Sought): Promise<Look> {
  const cluster = ownCluster(env) ?? throughKubectl();
  try {
    return { view: await lookAt(cluster, sought) };
  } catch (error) {
    const known = hasCode(error, 'ERR_RUN_JOB_UNAVAILABLE') || hasCode(error, 'ERR_RUN_JOB_USAGE');
    if (!known) throw error;
    return { unseen: (error as Error).message };
  }
}

function throughKubectl(): Cluster {
  return {
    via: 'kubectl',
    async namespace() {
      const named = await kubectl(['config', 'view', '--minify', '--output', 'jsonpath={..namespace}']);
      return named.trim() || 'default';
    },
    async get(path) {
      const args = ['get', '--raw', path];
      let text: string;
      try {
        text = await kubectl(args);
      } catch (error) {
        // Of an object that isn't there. That the path itself isn't known is no word of a cluster: without a kubeconfig kubectl asks whatever
        // listens on port 8080 of this machine, such as our own console.
        if (/\(NotFound\): .* not found$/.test((error as Error).message)) return undefined;
        throw error;
      }
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new UnavailableError(`kubectl ${args.join(' ')} answered with something other than JSON`, {
          cause: error,
        });
      }
    },
  };
}
