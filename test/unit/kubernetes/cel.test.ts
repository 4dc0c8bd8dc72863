import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { celString, celStrings } from "../../../components/kubernetes/cel.ts";

/** Reads one literal by CEL's grammar; undefined if the text is more than that, or none. */
function readLiteral(text: string): string | undefined {
  const escaped = /\\(?:(['\\])|u([0-9a-f]{4})|U([0-9a-f]{8}))/g;
  if (!/^'(?:[^'\\\r\n]|\\['\\]|\\u[0-9a-f]{4}|\\U[0-9a-f]{8})*'$/.test(text)) return undefined;
  return text
    .slice(1, -1)
    .replace(escaped, (_, own, four, eight) => own ?? String.fromCodePoint(Number.parseInt(four ?? eight, 16)));
}

/** Not half a surrogate pair. */
const isCharacter = (code: number) => code < 0xd800 || code > 0xdfff;

describe("a text as a CEL literal", () => {
  it.each([
    ["devs", "'devs'"],
    ["", "''"],
    ["o'brien", "'o\\'brien'"],
    ["back\\slash", "'back\\\\slash'"],
    ["' || true || '", "'\\' || true || \\''"],
    ["\\' || true || \\'", "'\\\\\\' || true || \\\\\\''"],
    ["two\nlines", "'two\\u000alines'"],
    ['"double"', "'\"double\"'"],
    ["jürgen", "'j\\u00fcrgen'"],
    ["line\u2028separator", "'line\\u2028separator'"],
    ["🚲", "'\\U0001f6b2'"],
  ])("%j", (value, literal) => {
    expect(celString(value)).toBe(literal);
  });

  it("is read as itself whatever it is, in printable ASCII, and never ends early", () => {
    const hostile = fc.string({ unit: fc.constantFrom("'", "\\", '"', "\n", "u", "0", "a", " || true", "é", "🚲") });
    const any = fc.string({
      unit: fc.integer({ min: 0, max: 0x10ffff }).filter(isCharacter).map(String.fromCodePoint),
    });
    fc.assert(
      fc.property(fc.oneof(hostile, any), (value) => {
        const literal = celString(value);
        return /^[ -~]+$/.test(literal) && readLiteral(literal) === value;
      }),
    );
  });

  it("cannot be made of half a character", () => {
    expect(() => celString("\ud83d")).toThrow('"\\ud83d" is no Unicode text');
  });
});

it("a list is made of such literals", () => {
  expect(celStrings(["a", "b', 'c"])).toBe("['a', 'b\\', \\'c']");
  expect(celStrings([])).toBe("[]");
});
