/** Lines that a shell sources; every value is a label, an address, a number, a path or an URL, none of which a shell expands. */
export function environmentFile(values: Readonly<Record<string, string>>): string {
  const unsafe = Object.entries(values).find(([, value]) => !/^[A-Za-z0-9/_.:%+-]*$/.test(value));
  if (unsafe !== undefined)
    throw new Error(`${unsafe[0]} is ${JSON.stringify(unsafe[1])}, which a shell would not read as it stands`);
  return Object.entries(values)
    .map(([name, value]) => `${name}=${value}\n`)
    .join("");
}
