import * as pulumi from "@pulumi/pulumi";
import { loadSite } from "./config/load.ts";
import { Site } from "./site.ts";

const config = loadSite(new pulumi.Config("tandem"));

export const {
  predictedFailover,
  status,
  etcdEndpoints,
  etcdCaCertificate,
  etcdClientCertificate,
  etcdClientKey,
  kubeconfig,
  k3sToken,
} = new Site(config.name, config);
