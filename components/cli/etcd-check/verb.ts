import { text } from "node:stream/consumers";
import { failAll, type Verb } from "../verb.ts";
import { askServers, type EtcdCheck, failuresOf, judgeServers } from "./servers.ts";

export const etcdCheck: Verb = {
  usage: "etcd-check < etcd.json",
  summary: "Tells whether this node reaches a quorum of an etcd cluster with the site's certificate; changes nothing.",
  async run() {
    const check = JSON.parse(await text(process.stdin)) as EtcdCheck;
    const answers = await askServers(check);
    failAll(
      `${check.node} cannot use the servers of datastore.servers with datastore.clientCertificate:`,
      judgeServers(check, answers),
    );
    for (const [index, url] of check.servers.entries()) {
      const answer = answers[index];
      if (answer === undefined) continue;
      const said = failuresOf(url, answer)[0] ?? `${url}: etcd ${"version" in answer ? answer.version : ""}`;
      process.stdout.write(`${said}\n`);
    }
  },
};
