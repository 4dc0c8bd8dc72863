import { readFile } from "node:fs/promises";
import { lastLines } from "../process.ts";
import { Failure } from "../verb.ts";
import type { UserSpec } from "./bundle-type.ts";
import { ourselves } from "./durable.ts";
import { at, type Machine } from "./machine.ts";

export interface Owner {
  readonly uid: number;
  readonly gid: number;
}

/** Creates the accounts that are missing. An account that differs is refused: its files may belong to somebody else. */
export async function ensureUsers(machine: Machine, users: readonly UserSpec[]): Promise<string[]> {
  const created: string[] = [];
  for (const user of users) {
    const accounts = await readIds(machine, "/etc/passwd");
    const groups = await readIds(machine, "/etc/group");
    for (const [kind, ids] of [["user", accounts] as const, ["group", groups] as const]) {
      const present = ids.get(user.name);
      const holder = [...ids].find(([name, id]) => id === user.id && name !== user.name);
      if (present !== undefined && present !== user.id) {
        throw new Failure(
          `the ${kind} ${user.name} has the id ${present} on this machine, and Tandem needs ${user.id}; rename or remove it`,
        );
      }
      if (holder !== undefined) {
        throw new Failure(
          `the ${kind} id ${user.id} belongs to ${holder[0]} on this machine, and Tandem needs it for ${user.name}; give ${holder[0]} another id`,
        );
      }
    }
    const id = String(user.id);
    if (!groups.has(user.name)) await add(machine, ["groupadd", "--system", "--gid", id, user.name]);
    if (!accounts.has(user.name)) {
      const fixed = ["--system", "--uid", id, "--gid", id, "--no-create-home", "--shell", "/usr/sbin/nologin"];
      await add(machine, ["useradd", ...fixed, "--home-dir", user.home, user.name]);
      created.push(user.name);
    }
  }
  return created;
}

/** `user:group`, or the owner of this process where absent. */
export async function resolveOwner(machine: Machine, owner: string | undefined): Promise<Owner> {
  if (owner === undefined) return ourselves;
  const [user = "", group = ""] = owner.split(":");
  const uid = (await readIds(machine, "/etc/passwd")).get(user);
  const gid = (await readIds(machine, "/etc/group")).get(group);
  if (uid === undefined)
    throw new Failure(`there is no user ${user} on this machine; the bundle must declare it under users`);
  if (gid === undefined)
    throw new Failure(`there is no group ${group} on this machine; the bundle must declare its user`);
  return { uid, gid };
}

async function add(machine: Machine, argv: readonly [string, ...string[]]): Promise<void> {
  const ended = await machine.run(argv, { timeoutMs: 30_000 });
  if (ended.code !== 0) throw new Failure(`${argv.join(" ")} failed${lastLines(ended.stderr)}`);
  machine.step();
}

async function readIds(machine: Machine, file: string): Promise<Map<string, number>> {
  const lines = (await readFile(at(machine, file), "utf8")).split("\n");
  return new Map(
    lines
      .filter((line) => line.includes(":"))
      .map((line) => {
        const [name = "", , id] = line.split(":");
        return [name, Number(id)];
      }),
  );
}
