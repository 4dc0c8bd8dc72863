import { expect, test } from "vitest";
import { table } from "../../torture/faults/disk.ts";
import { commandsFor } from "../../torture/faults/impairments.ts";
import { waysOf } from "../../torture/faults/network.ts";

test("a link has two ways, and the first machine of its name is where there starts", () => {
  expect(waysOf("n1-w", "both")).toEqual([
    ["n1", "w"],
    ["w", "n1"],
  ]);
  expect(waysOf("n1-w", "there")).toEqual([["n1", "w"]]);
  expect(waysOf("n1-w", "back")).toEqual([["w", "n1"]]);
});

test("a machine without impairments sends as if there had never been one", () => {
  expect(commandsFor("vec1", new Map())).toEqual(["tc qdisc del dev vec1 root 2>/dev/null || true"]);
});

test("each address that is impaired has a band of its own, and all else the first", () => {
  const commands = commandsFor(
    "vec0",
    new Map([
      ["10.77.1.20", ["delay", "200ms"]],
      ["10.77.1.12", ["loss", "30%"]],
    ]),
  );
  expect(commands).toEqual([
    "tc qdisc del dev vec0 root 2>/dev/null || true",
    "tc qdisc add dev vec0 root handle 1: prio bands 3 priomap 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0 || exit 1",
    "tc qdisc add dev vec0 parent 1:2 netem limit 100000 delay 200ms || exit 1",
    "tc filter add dev vec0 parent 1: protocol ip prio 1 u32 match ip dst 10.77.1.20/32 flowid 1:2 || exit 1",
    "tc qdisc add dev vec0 parent 1:3 netem limit 100000 loss 30% || exit 1",
    "tc filter add dev vec0 parent 1: protocol ip prio 1 u32 match ip dst 10.77.1.12/32 flowid 1:3 || exit 1",
  ]);
});

test("the two disks of a node lie side by side on its data disk, whatever is wrong with them", () => {
  expect(table("T", "linear")).toBe("0 2097152 linear /dev/ubdb 0");
  expect(table("etcd", "linear")).toBe("0 2097152 linear /dev/ubdb 2097152");
  expect(table("etcd", "delay")).toBe("0 2097152 delay /dev/ubdb 2097152 0 /dev/ubdb 2097152 100");
  expect(table("T", "error")).toBe("0 2097152 error");
});
