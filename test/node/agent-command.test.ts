import { expect, test } from "vitest";
import { command } from "../../components/arbiter/agent/linux/command.ts";

test("output, messages and exit code arrive apart", async () => {
  expect(await command(["sh", "-c", "echo out; echo err >&2; exit 3"], 5000)).toEqual({
    ok: false,
    code: 3,
    stdout: "out\n",
    why: "sh -c echo out; echo err >&2; exit 3: err",
  });
});

test("words reach the program as they are: no shell reads them", async () => {
  const words = ["$HOME", "a b", "*", "`id`", "; id", "'", '"', "\\n", "# x", "> /tmp/x"] as const;
  expect((await command(["printf", "[%s]", ...words], 5000)).stdout).toBe(words.map((word) => `[${word}]`).join(""));
});

test("a word that would be split is refused", () => {
  expect(() => command(["echo", "a\tb"], 5000)).toThrow("holds a tab");
  expect(() => command(["echo", "a\nid"], 5000)).toThrow("line end");
  expect(() => command(["echo", ""], 5000)).toThrow("is empty");
});

test("many at a time each get their own output", async () => {
  const numbers = [...Array(20).keys()].map(String);
  const said = await Promise.all(numbers.map((number) => command(["sh", "-c", `sleep 0.05; echo ${number}`], 5000)));
  expect(said.map(({ stdout }) => stdout.trim())).toEqual(numbers);
});

test("a program that outlives its limit is ended with its children, and the next command runs", async () => {
  const begun = performance.now();
  const late = await command(["sh", "-c", "sleep 31.4159 & wait"], 200);
  expect(late).toMatchObject({ ok: false, code: null, why: expect.stringContaining("did not end within 200 ms") });
  expect(performance.now() - begun).toBeLessThan(5000);
  await expect.poll(async () => (await command(["pgrep", "-f", "^sleep 31.4159$"], 5000)).code).toBe(1);
  expect((await command(["true"], 5000)).ok).toBe(true);
});

test("a program that does not exist is an answer", async () => {
  expect(await command(["no-such-program"], 5000)).toMatchObject({ ok: false, code: 127 });
});

test("input is not waited for", async () => {
  expect(await command(["cat"], 5000)).toMatchObject({ ok: true, stdout: "" });
});
