import { describe, expect, it } from "vitest";
import { readTemplate, render } from "../../components/render.ts";

const volume = "etc/systemd/system/var-lib-etcd\\x2dtransient.mount.hbs";
const resource = "etc/tandem/drbd/8.4.res.hbs";
const tree = "etc/systemd/system/tandem-witness-tree.service.hbs";

describe("render", () => {
  it("fills in values as they are, without HTML's escapes", () => {
    const text = render(tree, { site: `a"b&c<d>'e`, tree: "/t", mount: "m.mount", storage: "tmpfs" });
    expect(text).toContain(`Description=Tree and incarnation token of the site a"b&c<d>'e`);
  });

  it("refuses a missing value, naming the template and the value", () => {
    expect(() => render(volume, {})).toThrow(`templates/${volume}: "minor" not defined in [object Object]`);
  });

  it("refuses a list that is missing, which Handlebars would take for an empty one", () => {
    expect(() => render(resource, { minor: 10, port: 7788, resyncKibibytesPerSecond: 1 })).toThrow(
      `templates/${resource}: {{#each}} is given a value that does not exist`,
    );
  });

  it("refuses a condition that is missing, and takes an empty text for no", () => {
    const values = { site: "s", tree: "/t", storage: "disk" };
    expect(() => render(tree, values)).toThrow(`templates/${tree}: {{#if}} is given a value that does not exist`);
    expect(render(tree, { ...values, mount: "" })).toContain("RequiresMountsFor=/t");
  });

  it("refuses a value that is missing in an element of a list", () => {
    const nodes = [{ name: "n1", disk: "/dev/sda" }];
    expect(() => render(resource, { minor: 10, port: 7788, resyncKibibytesPerSecond: 1, nodes })).toThrow(
      '"backend" not defined',
    );
  });

  it("gives the text of a plain file", () => {
    expect(readTemplate("etc/systemd/system/etcd.service")).toMatch(/^\[Unit\]\n/);
  });
});
