import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, test } from "vitest";
import { Handler, inParallel } from "./handler.ts";
import { type Drbd, Sandbox } from "./sandbox.ts";

/** Handlers at a time; each is a shell with a few short programs. */
const AT_ONCE = 8;
const exitCodes = Array.from({ length: 128 }, (_, code) => code);
const failures = exitCodes.slice(1);

const lines = ["8.4", "9"] as const;
const promoting: Drbd = { disk: "UpToDate" };
const frozen: Drbd = { role: "Primary", suspended: "fencing" };

/** Runs the handler in a sandbox of its own. */
async function handle(
  prepare: (sandbox: Sandbox) => void,
  meanwhile?: (handler: Handler, sandbox: Sandbox) => unknown,
) {
  const sandbox = new Sandbox();
  prepare(sandbox);
  const handler = new Handler(sandbox);
  try {
    await meanwhile?.(handler, sandbox);
    const code = await handler.code;
    return { code, asked: sandbox.callsOf("curl").length };
  } finally {
    handler.end();
    sandbox.dispose();
  }
}

/** Of a program: its first calls fail with these exit codes, one after the other. */
const failing = (sandbox: Sandbox, program: string, codes: readonly number[], words: string, later: string) =>
  sandbox.stub(
    program,
    `codes=(${codes.join(" ")}); calls=$(grep -c '^${program} ' '${sandbox.root}/calls')
    if [ "$calls" -le ${codes.length} ]; then ${words}; exit "\${codes[calls - 1]}"; fi
    ${later}`,
  );

/** Parts of a list, so that one handler can see many of them. */
const parts = (codes: readonly number[]) =>
  Array.from({ length: AT_ONCE }, (_, part) => codes.filter((_, index) => index % AT_ONCE === part));

test("curl prints `won` and ends with every exit code: 0 alone is a verdict, in a promotion", async () => {
  await inParallel(exitCodes, AT_ONCE, async (exit) => {
    const { code } = await handle((sandbox) => {
      sandbox.kernel(lines[exit % 2] ?? "9", promoting);
      sandbox.stub("curl", `echo won; exit ${exit}`);
    });
    expect(code, `curl: ${exit}`).toBe(exit === 0 ? 4 : 1);
  });
});

test("curl prints `won` and fails with every exit code: a frozen Primary's handler asks again each time", async () => {
  await inParallel(parts(failures), AT_ONCE, async (codes) => {
    const { code, asked } = await handle((sandbox) => {
      sandbox.kernel(lines[(codes[0] ?? 0) % 2] ?? "9", frozen);
      failing(sandbox, "curl", codes, "echo won", "echo lost");
    });
    expect({ code, asked }, `curl: ${codes}`).toEqual({ code: 6, asked: codes.length + 1 });
  });
});

test("drbdsetup fails with every exit code: what it printed does not count, and it is asked again", async () => {
  await inParallel(parts(failures), AT_ONCE, async (codes) => {
    const { code, asked } = await handle((sandbox) => {
      sandbox.kernel("9", promoting);
      // In the end it says nothing: there is no volume, so nobody is asked.
      failing(sandbox, "drbdsetup", codes, `cat '${sandbox.root}/events'`, "true");
      sandbox.stub("curl", "echo won");
    });
    expect({ code, asked }, `drbdsetup: ${codes}`).toEqual({ code: 1, asked: 0 });
  });
});

const words = [
  "4",
  "won!",
  "WON",
  " won",
  "won lost",
  "lost won",
  "won\nlost",
  "w o n",
  "$(exit 4)",
  "*",
  "won\twon",
  "wo",
  "\u0441won",
];

test("words that are not the agent's decide nothing, and end no shell", async () => {
  await inParallel(words, AT_ONCE, async (word) => {
    const { code } = await handle((sandbox) => {
      sandbox.kernel("8.4", promoting);
      sandbox.write("/word", word);
      sandbox.stub("curl", `cat '${sandbox.root}/word'`);
    });
    expect(code, word).toBe(1);
  });
});

/** As the kernel's own line, and as what drbdsetup shows. */
const garbage: Record<string, { proc?: string; events?: string }> = {
  nothing: {},
  "a version alone": { proc: "version: 8.4.11 (api:1/proto:86-101)\n" },
  "a volume that is not configured": { proc: "version: 8.4.11\n10: cs:Unconfigured\n" },
  "other volumes": {
    proc: [1, 0, 110, 101].reduce(
      (text, minor) => `${text}${minor}: cs:StandAlone ro:Secondary/Unknown ds:UpToDate/DUnknown   r-----\n`,
      "version: 8.4.11\n",
    ),
  },
  "a kernel line that breaks off": { proc: "version: 8.4.11\n10: cs:StandAlone ro:Secondary/Unknown ds:UpToDa" },
  "words of another program": { events: "exists resource name:etcd-t role:Promoted suspended:yes\n" },
  "only a role": { events: "exists resource name:etcd-t role:Secondary suspended:no\n" },
  "a megabyte": { events: "x".repeat(1024 * 1024) },
  "shell in its words": { events: "exists resource name:$(exit 4) role:`exit 4` suspended:;exit 4\n" },
  binary: { events: "\u0001\u0002\u007f\u0080exists device disk:UpToDate" },
};

test("a state that is none asks nobody", async () => {
  await inParallel(Object.entries(garbage), AT_ONCE, async ([what, { proc = "version: 9.2.16\n", events = "" }]) => {
    const { code, asked } = await handle(
      (sandbox) => {
        sandbox.drbd([]);
        sandbox.write("/events", events);
        sandbox.write("/proc/drbd", proc);
        sandbox.stub("curl", "echo won");
      },
      async (handler) => {
        // It may go on looking: a frozen Primary's handler is called once only.
        await sleep(1000);
        handler.process.kill("SIGTERM");
      },
    );
    expect({ code, asked }, what).toEqual({ code: 1, asked: 0 });
  });
});

test.each(["curl", "drbdsetup"])("a %s that is killed each time it runs decides nothing", async (program) => {
  const { code } = await handle(
    (sandbox) => {
      sandbox.kernel("9", program === "curl" ? promoting : frozen);
      sandbox.stub(program, `echo won; cat '${sandbox.root}/events'; kill -KILL $$`);
    },
    async (handler) => {
      if (program === "curl") return;
      await sleep(1000);
      expect(handler.ended).toBe(false);
      handler.process.kill("SIGTERM");
    },
  );
  expect(code).toBe(1);
});

const signals = ["SIGHUP", "SIGINT", "SIGQUIT", "SIGPIPE", "SIGALRM", "SIGTERM", "SIGUSR1", "SIGUSR2"] as const;

test("a signal while it asks: undecided, even if the agent says `won` after that", async () => {
  const cases = signals.flatMap((signal) => [
    { signal, line: "8.4", state: promoting } as const,
    { signal, line: "9", state: promoting } as const,
    { signal, line: "8.4", state: frozen } as const,
    { signal, line: "9", state: frozen } as const,
  ]);
  await inParallel(cases, AT_ONCE, async ({ signal, line, state }) => {
    const { code } = await handle(
      (sandbox) => {
        sandbox.kernel(line, state);
        sandbox.stub("curl", `until [ -e '${sandbox.root}/signalled' ]; do sleep 0.05; done; echo won`);
      },
      async (handler, sandbox) => {
        await expect.poll(() => sandbox.callsOf("curl").length, { timeout: 20_000 }).toBe(1);
        handler.process.kill(signal);
        writeFileSync(join(sandbox.root, "signalled"), "");
      },
    );
    expect(code, `${signal}, DRBD ${line}`).toBe(1);
  });
});

test("signals at any moment: 4 only after `won`, never another code", async () => {
  const moments = Array.from({ length: 48 }, (_, index) => ({
    atMs: 100 + index * 12,
    signal: signals[index % signals.length],
    line: lines[(index >> 3) % 2] ?? "9",
  }));
  await inParallel(moments, AT_ONCE, async ({ atMs, signal, line }) => {
    const { code, asked } = await handle(
      (sandbox) => {
        sandbox.kernel(line, frozen);
        sandbox.stub("curl", `[ "$(grep -c ^curl '${sandbox.root}/calls')" -lt 2 ] && exit 7; echo won`);
      },
      async (handler, sandbox) => {
        // Before its first program has run, bash may not have read as far as its traps.
        await expect.poll(() => sandbox.calls.length, { timeout: 20_000, interval: 5 }).toBeGreaterThan(0);
        await sleep(atMs - 100);
        handler.process.kill(signal);
      },
    );
    expect([1, 4], `${signal} after ${atMs} ms`).toContain(code);
    if (code === 4) expect(asked).toBe(2);
  });
});
