import * as pulumi from "@pulumi/pulumi";
import { loadSite } from "./config/load.ts";
import { Site } from "./site.ts";

const config = loadSite(new pulumi.Config("tandem"));
const site = new Site(config.name, config);

export const predictedFailover = site.predictedFailover;
export const status = site.status;
