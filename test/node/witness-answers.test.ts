import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { answer } from "./scripted-witness.ts";
import { SiteCertificates } from "./site-certificates.ts";
import { Interview, type Question, questions } from "./witness-questions.ts";

let certificates: SiteCertificates;
let pki: string;
let interviews: Interview[];

beforeAll(async () => {
  certificates = await SiteCertificates.create();
  pki = await certificates.node("n1");
});
afterAll(() => certificates.remove());
beforeEach(() => {
  interviews = [];
});
afterEach(() => {
  for (const interview of interviews) interview.close();
});

async function interview(question: Question): Promise<Interview> {
  const made = await Interview.about(question, certificates, pki);
  interviews.push(made);
  return made;
}

const undecided = { verdict: "undecided", key: { k: 0 } };

describe.each(Object.entries(questions))("asked for %s", (_, question) => {
  test("every final status that is not documented is undecided, and nothing more is asked", async () => {
    const asking = await interview(question);
    for (let status = 200; status < 600; status++) {
      if (question.documented.includes(status)) continue;
      // The body that would decide, if the status did not matter, and a place to be sent to.
      const said = answer(status, "n1", "Location: /elsewhere\r\n");
      expect(await asking.run((socket) => socket.write(said)), `${status}`).toMatchObject(undecided);
    }
  });
});

test("a status outside of 200 to 599 is undecided to every question, within the limit", async () => {
  // After 100 to 199 the answer is still to come. All of them for the MOVE; for the others those that HTTP treats apart.
  const informational = Array.from({ length: 100 }, (_, index) => 100 + index);
  const asked = Object.entries(questions).flatMap(([name, question]) => {
    const statuses = name === "the MOVE" ? informational : [100, 101, 102, 103];
    return [...statuses, 0, 1, 20, 99, 600, 999, 2010].map((status) => ({ name, question, status }));
  });
  const ready: { name: string; status: number; asking: Interview }[] = [];
  for (const { name, question, status } of asked) ready.push({ name, status, asking: await interview(question) });
  await Promise.all(
    ready.map(async ({ name, status, asking }) => {
      const ended = await asking.run((socket) => socket.write(`HTTP/1.1 ${status} Any Words\r\n\r\n`));
      expect(ended, `${name}: ${status}`).toMatchObject(undecided);
      expect(ended.tookMs).toBeLessThan(6000);
    }),
  );
});
