/** Values as CEL, the expression language of admission policies, writes them. */

/**
 * A text as a CEL literal that holds nothing but printable ASCII, whatever is in the text: no value can end its literal.
 * @throws Error for half a surrogate pair, which CEL cannot write
 */
export function celString(value: string): string {
  if (!value.isWellFormed()) throw new Error(`${JSON.stringify(value)} is no Unicode text`);
  return `'${Array.from(value, celCharacter).join("")}'`;
}

/** A list of texts. */
export function celStrings(values: readonly string[]): string {
  return `[${values.map(celString).join(", ")}]`;
}

function celCharacter(character: string): string {
  if (character === "'" || character === "\\") return `\\${character}`;
  if (character >= " " && character <= "~") return character;
  const hex = character.codePointAt(0)?.toString(16) ?? "";
  return hex.length <= 4 ? `\\u${hex.padStart(4, "0")}` : `\\U${hex.padStart(8, "0")}`;
}
