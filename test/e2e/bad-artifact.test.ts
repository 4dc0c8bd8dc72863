import { expect } from "vitest";
import { failingUp } from "./failing-up.ts";
import { scenario } from "./scenario.ts";

scenario("an etcd archive with another sha256 is not unpacked, and nothing is restarted", async (site) => {
  const found = site.lab.toolchain.etcdRelease.sha256;
  const wanted = "5025b5b24d81a9616b6e284ccd439b9a3df055ef8fdcdc142af3ec8f6a3b3c95";
  const programs = async () =>
    (await site.guest("n2").run("sha256sum /usr/local/bin/etcd*; systemctl show -p MainPID etcd")).stdout;
  const before = await programs();
  const { output } = await failingUp(site, ({ datastore }) => {
    datastore.etcd.sha256 = wanted;
  });
  // The CLI indents what a command says.
  expect(output.replaceAll("\n    ", "\n")).toContain(
    `tandem apply: /opt/bundle/${site.lab.toolchain.etcdRelease.file.split("/").at(-1)} is not the file that the site's configuration ` +
      `pins:\n    sha256 wanted ${wanted}\n    sha256 found  ${found}\nNothing of it was unpacked. Compare both with the sums published ` +
      "for etcd; correct the configuration, or replace the file.\n",
  );
  expect(output).toContain("etcd-n2");
  expect(await programs()).toBe(before);
  await site.up();
  await site.untilAtHome();
  expect(await programs()).toBe(before);
});
