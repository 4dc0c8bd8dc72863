import { describe, expect, test } from "vitest";
import {
  isSuspendedByFencing,
  parseEvents,
  parseGenerations,
  parseProc,
  stateOfEvents,
  stateOfProc,
} from "../../../components/arbiter/agent/linux/drbd-text.ts";

const proc = (line: string) => `version: 8.4.11 (api:1/proto:86-101)
srcversion: DA6B55A41DED5E58CDBAB30

 9: cs:Connected ro:Primary/Primary ds:UpToDate/UpToDate C r-----
    ns:0 nr:0 dw:0 dr:0 al:0 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
${line}
    ns:0 nr:2076 dw:2164764 dr:0 al:8 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
`;

describe("the kernel's line of DRBD 8.4", () => {
  test.each([
    [
      "together",
      "10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----",
      { role: "Primary", peerRole: "Secondary", peerDisk: "UpToDate", connection: "Connected", frozen: false },
    ],
    [
      "frozen",
      "10: cs:StandAlone ro:Primary/Unknown ds:UpToDate/DUnknown   s-----",
      { role: "Primary", peerRole: "Unknown", peerDisk: "Unknown", connection: "StandAlone", frozen: true },
    ],
    [
      "alone",
      "10: cs:StandAlone ro:Primary/Unknown ds:UpToDate/Outdated   r-----",
      { role: "Primary", peerDisk: "Outdated", connection: "StandAlone", frozen: false },
    ],
    [
      "waiting for the sibling",
      "10: cs:WFConnection ro:Secondary/Unknown ds:Consistent/DUnknown C r-----",
      { disk: "Consistent", connection: "Connecting", sync: "none" },
    ],
    [
      "overwritten by a resync",
      "10: cs:SyncTarget ro:Secondary/Primary ds:Inconsistent/UpToDate C r-----",
      { disk: "Inconsistent", connection: "Connected", sync: "target" },
    ],
    [
      "about to be overwritten",
      "10: cs:WFSyncUUID ro:Secondary/Primary ds:Outdated/UpToDate C r-----",
      { disk: "Outdated", sync: "target" },
    ],
    [
      "source of a resync",
      "10: cs:SyncSource ro:Primary/Secondary ds:UpToDate/Inconsistent C r-----",
      { peerDisk: "Inconsistent", sync: "source" },
    ],
  ])("%s", (_, line, expected) => {
    const parsed = parseProc(proc(line), 10);
    if (parsed === null) throw new Error("not parsed");
    expect(stateOfProc(parsed, true)).toMatchObject(expected);
  });

  test("I/O that an operator suspended is not frozen by fencing", () => {
    const parsed = parseProc(proc("10: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C s-----"), 10);
    if (parsed === null) throw new Error("not parsed");
    expect(stateOfProc(parsed, false).frozen).toBe(false);
  });

  test.each(["10: cs:Unconfigured", ""])("a volume that is not configured: %j", (line) => {
    expect(parseProc(proc(line), 10)).toBeNull();
  });
});

describe("generations", () => {
  test.each([
    ["a Primary's", "879BD60F526E945F:0000000000000000:0:0:1:1:1:1:0:0:0", "879BD60F526E945E", null],
    ["a Secondary's", "879BD60F526E945E:0000000000000000:0:0:1:1:0:1:0:0:0", "879BD60F526E945E", null],
    [
      "one that went on alone",
      "68798EAEE4968C1B:879BD60F526E945F:0:0:1:1:1:0:0:1:0",
      "68798EAEE4968C1A",
      "879BD60F526E945E",
    ],
    ["just created", "0000000000000004:0000000000000000:0:0:0:0:0:0:0:0:0", null, null],
    ["a high bit and a leading zero", "08798EAEE4968C1B:F79BD60F526E945F:0", "08798EAEE4968C1A", "F79BD60F526E945E"],
  ])("%s", (_, text, gen, left) => {
    expect(parseGenerations(`${text}\n`)).toEqual({ gen, left });
  });

  test.each(["", "Device has no disk\n", "879BD60F526E945:0:"])("no generations in %j", (text) => {
    expect(parseGenerations(text)).toBeNull();
  });
});

describe("events2 --now", () => {
  const frozen = `exists resource name:etcd-t role:Primary suspended:fencing
exists connection name:etcd-t peer-node-id:0 connection:StandAlone role:Unknown
exists device name:etcd-t volume:0 minor:10 disk:UpToDate
exists peer-device name:etcd-t peer-node-id:0 volume:0 replication:Off peer-disk:DUnknown resync-suspended:no
exists -
`;

  test.each([
    ["fencing", true],
    ["no-data,fencing", true],
    ["user", false],
    ["no", false],
  ])("suspended:%s", (word, expected) => {
    expect(isSuspendedByFencing(parseEvents(frozen.replace("suspended:fencing", `suspended:${word}`)).resource)).toBe(
      expected,
    );
  });

  test("a frozen Primary", () => {
    expect(stateOfEvents(parseEvents(frozen))).toEqual({
      role: "Primary",
      disk: "UpToDate",
      peerDisk: "Unknown",
      peerRole: "Unknown",
      connection: "StandAlone",
      sync: "none",
      frozen: true,
    });
  });

  test("DRBD 9 names more, and the same", () => {
    const nine = `exists resource name:etcd-t role:Secondary suspended:no force-io-failures:no may_promote:no promotion_score:10101
exists connection name:etcd-t peer-node-id:1 conn-name:n2 connection:Connected role:Primary tls:no
exists device name:etcd-t volume:0 minor:10 backing_dev:/dev/vg0/etcd-t disk:Inconsistent client:no open:no quorum:yes
exists peer-device name:etcd-t peer-node-id:1 conn-name:n2 volume:0 replication:SyncTarget peer-disk:UpToDate peer-client:no resync-suspended:no
exists path name:etcd-t peer-node-id:1 conn-name:n2 local:ipv4:10.77.2.11:7788 peer:ipv4:10.77.2.12:7788 established:yes
exists -
`;
    expect(stateOfEvents(parseEvents(nine))).toMatchObject({
      role: "Secondary",
      peerRole: "Primary",
      disk: "Inconsistent",
      sync: "target",
      connection: "Connected",
    });
  });

  test("nothing is configured", () => {
    expect(stateOfEvents(parseEvents("exists -\n"))).toBeNull();
  });
});
