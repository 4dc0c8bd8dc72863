import { describe, expect, test } from "vitest";
import { checkArguments } from "../../../components/cli/replace/verb.ts";
import { Failure } from "../../../components/cli/verb.ts";

const names = { node: "n1", sibling: "n2" };

describe("tandem replace", () => {
  test("tells, and does only what it is told to execute", () => {
    expect(checkArguments(["n2"], names)).toBe(true);
    expect(checkArguments(["n2", "--execute"], names)).toBe(false);
  });

  test.each([
    [[], '`tandem replace` takes a node\'s name and perhaps --execute, not ""'],
    [["n2", "--force"], '`tandem replace` takes a node\'s name and perhaps --execute, not "n2 --force"'],
    [["n1"], "this is n1; run it on n2, which must carry the site alone"],
    [["n3"], 'there is no node "n3"; the sibling of n1 is n2'],
  ])("refuses %j", (args, message) => {
    expect(() => checkArguments(args, names)).toThrow(new Failure(message));
  });
});
