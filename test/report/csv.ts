/** The rows of a CSV text with a head line, by the names in it; what {@link ../lab/figures.ts} writes. */
export function parseCsv(text: string): Record<string, string>[] {
  const [head = [], ...rows] = records(text);
  return rows.map((fields) => Object.fromEntries(head.map((name, i) => [name, fields[i] ?? ""])));
}

function records(text: string): string[][] {
  const all: string[][] = [];
  let fields: string[] = [];
  // A quoted field, or one without quotes, and what ends it.
  for (const [, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^",\n]*))(,|\n|$)/g)) {
    fields.push(quoted?.replaceAll('""', '"') ?? plain ?? "");
    if (end === ",") continue;
    if (fields.length > 1 || fields[0] !== "") all.push(fields);
    fields = [];
  }
  return all;
}
