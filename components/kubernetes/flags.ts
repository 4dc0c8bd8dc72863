/** Command-line flags by name, without their dashes. */
export type Flags = Readonly<Record<string, string | number | boolean>>;

/**
 * The words of a command line in a unit file, one flag each.
 * @throws Error for a value that systemd would split, expand or unquote
 */
export function flagWords(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => {
    const word = `--${name}=${value}`;
    if (!/^[A-Za-z0-9/_.:,=@*+-]+$/.test(word))
      throw new Error(`the flag ${word} cannot stand in a unit file as it is`);
    return word;
  });
}

/** The same for a program that passes them on, as k3s takes them. */
export function flagArguments(flags: Flags): string[] {
  return Object.entries(flags).map(([name, value]) => `${name}=${value}`);
}
