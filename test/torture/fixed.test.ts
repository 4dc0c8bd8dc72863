import { afterAll, expect, test } from "vitest";
import { say } from "../lab/progress.ts";
import { Campaign } from "./campaign.ts";
import { fixed } from "./fixed.ts";

const minutes = 60_000;
const campaign = new Campaign(0, Campaign.newFolder());

afterAll(async () => {
  await campaign.end();
  say(campaign.total);
}, minutes);

// The first one also makes the site, and one that follows a failure makes it anew.
for (const schedule of fixed)
  test(schedule.name, { timeout: 15 * minutes }, async () => {
    const { problems, notTried } = await campaign.run(schedule);
    expect({ problems, notTried }).toEqual({ problems: [], notTried: [] });
  });
