import { Provider } from "@pulumi/kubernetes";
import type * as pulumi from "@pulumi/pulumi";

/**
 * What makes objects in a site's cluster, through the address of its API.
 * @param kubeconfig of {@link adminKubeconfig}
 */
export function apiProvider(site: string, kubeconfig: pulumi.Input<string>, opts: pulumi.ResourceOptions): Provider {
  return new Provider(
    "kubernetes-api",
    {
      kubeconfig,
      // The cluster is this site's whatever its address and whoever asks: without this, a new address, or certificates that a preview
      // does not know yet, would replace every object.
      clusterIdentifier: site,
      // An `up` that was interrupted has them already.
      upsertExistingObjects: true,
    },
    opts,
  );
}
