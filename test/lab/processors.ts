import { readFileSync } from "node:fs";

/** Numbers of the processors that this process may run on, as Linux counts them: not always 0, 1, 2... */
export function usableProcessors(status = readFileSync("/proc/self/status", "utf8")): number[] {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1];
  if (!list) throw new Error("/proc/self/status names no processors");
  return list.split(",").flatMap((range) => {
    const [first, last = first] = range.split("-").map(Number) as [number, number?];
    return Array.from({ length: (last as number) - first + 1 }, (_, i) => first + i);
  });
}
