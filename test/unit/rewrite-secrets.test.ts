import { expect, test, vi } from "vitest";
import { askApi } from "../../components/cli/api-client.ts";
import { rewrite } from "../../components/cli/rewrite-secrets.ts";

vi.mock("../../components/cli/api-client.ts");

/** The most that a Secret may hold, as it is sent. */
const largestBytes = (2 ** 20 * 4) / 3;
/** Of 100 Mbit/s, within the time of one answer. */
const answerBytes = (5 * 100e6) / 8;

test("no more Secrets are asked for at once than come in time, be they of the largest", async () => {
  const body = JSON.stringify({ items: [], metadata: {} });
  const asked = vi.mocked(askApi).mockResolvedValue({ status: 200, body });
  expect(await rewrite({ server: "n1:6443", trust: "", certificate: "", key: "" })).toBe(0);
  const [, , question] = asked.mock.calls[0] ?? [];
  const limit = Number(new URLSearchParams(question?.path.split("?")[1]).get("limit"));
  expect(limit).toBeGreaterThan(0);
  expect(limit * largestBytes).toBeLessThan(answerBytes);
});
