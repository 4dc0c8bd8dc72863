import { type Cut, Lab, PLAIN_GUESTS, SITE_GUESTS } from "./lab.ts";
import { say } from "./progress.ts";
import { listLabs, removeLab } from "./record.ts";

const help = `The VM lab: machines that can lose power, on this one.

  npm run lab -- up [--guests site|plain]   start n1, n2 and w (or p1, p2, p3); they stay up until "down"
  npm run lab -- status                     every lab on this machine and its guests
  npm run lab -- ssh GUEST [COMMAND...]     a root shell on a guest, or one command
  npm run lab -- exec COMMAND...            a program of this machine, on the lab's network, with Pulumi set up
  npm run lab -- boot GUEST                 power on, with the disks as they are
  npm run lab -- kill GUEST                 power cut
  npm run lab -- pause GUEST                stop its processors;  resume GUEST: go on
  npm run lab -- wipe GUEST                 new disks at the next boot
  npm run lab -- console GUEST              what its kernel and systemd printed
  npm run lab -- cut A B [NET] [forward]    drop frames between two guests; NET is frontend, backend or all;
                                            "forward" drops only those from A to B; "host" is this machine
  npm run lab -- heal [A B [NET] [forward]] take one cut back, or all
  npm run lab -- down [NAME]                end this lab, and clean up after all whose process died

  --name NAME   which lab (default: lab). Needs root. Files are kept in $TANDEM_CACHE, default ~/.cache/tandem.
`;

class UsageError extends Error {}

/** Resolves to an exit code, or to anything else for 0. */
type Verb = (name: string, args: string[], guests: string) => Promise<unknown>;

const verbs: Record<string, Verb> = {
  up: async (name, _args, guests) => {
    if (guests !== "site" && guests !== "plain") throw new UsageError(`--guests is site or plain, not "${guests}"`);
    const lab = await Lab.start({ name, guests: guests === "site" ? SITE_GUESTS : PLAIN_GUESTS, detached: true });
    say(`The lab "${name}" is up. For example: npm run lab -- ssh ${lab.guests[0]?.name}`);
  },
  status: async () => {
    const labs = listLabs();
    if (labs.length === 0) say("No lab is up.");
    for (const { name, state } of labs) {
      say(`${name}: ${state}`);
      if (state !== "detached") continue;
      for (const guest of (await Lab.attach(name)).guests)
        say(`  ${guest.name.padEnd(6)} ${guest.spec.frontend.padEnd(12)} ${guest.running ? "on" : "off"}`);
    }
  },
  ssh: async (name, [guest, ...command]) => {
    const lab = await Lab.attach(name);
    return foreground(lab, ["ssh", "-F", lab.sshConfig, lab.guest(needed(guest, "a guest")).name, ...command]);
  },
  exec: async (name, command) => {
    needed(command[0], "a command");
    return foreground(await Lab.attach(name), command);
  },
  boot: async (name, [guest]) => {
    const one = (await Lab.attach(name)).guest(needed(guest, "a guest"));
    await one.boot();
    await one.waitSsh();
  },
  kill: async (name, [guest]) => {
    const tookMs = await (await Lab.attach(name)).guest(needed(guest, "a guest")).powerCut();
    say(`${guest} is off (${tookMs.toFixed(0)} ms)`);
  },
  pause: async (name, [guest]) => (await Lab.attach(name)).guest(needed(guest, "a guest")).pause(),
  resume: async (name, [guest]) => (await Lab.attach(name)).guest(needed(guest, "a guest")).resume(),
  wipe: async (name, [guest]) => (await Lab.attach(name)).guest(needed(guest, "a guest")).wipeDisks(),
  console: async (name, [guest]) => {
    process.stdout.write(`${(await Lab.attach(name)).guest(needed(guest, "a guest")).console(1000)}\n`);
  },
  cut: async (name, [a, b, ...how]) =>
    (await Lab.attach(name)).cut(needed(a, "two guests"), needed(b, "two guests"), parseCut(how)),
  heal: async (name, [a, b, ...how]) => {
    const lab = await Lab.attach(name);
    if (a === undefined) await lab.heal();
    else await lab.heal(a, needed(b, "two guests"), parseCut(how));
  },
  down: async (name, [only]) => {
    await removeLab(only ?? name);
    for (const lab of listLabs()) if (lab.state === "left over") await removeLab(lab.name);
  },
};

function parseCut(words: string[]): Cut {
  const cut: Cut = { net: "all", direction: "both" };
  for (const word of words) {
    if (word === "frontend" || word === "backend" || word === "all") cut.net = word;
    else if (word === "forward") cut.direction = word;
    else throw new UsageError(`a cut is of frontend, backend or all, and "forward" or not; not "${word}"`);
  }
  return cut;
}

function needed(word: string | undefined, what: string): string {
  if (word === undefined) throw new UsageError(`${what} must be named`);
  return word;
}

/** Runs a program on this terminal; ends with its code, or 1 if a signal ended it. */
function foreground(lab: Lab, argv: string[]): Promise<number> {
  const child = lab.spawn(argv, { stdio: "inherit", env: lab.pulumiEnv() });
  // Ctrl-C is for the program; this process waits for what it makes of it.
  process.on("SIGINT", () => {});
  return new Promise((resolve, reject) => {
    child.on("error", reject);
    child.on("close", (code) => resolve(code ?? 1));
  });
}

interface CommandLine {
  words: string[];
  name: string;
  guests: string;
}

/** What follows `ssh` or `exec` is a command with options of its own, and is left as it is. */
function parse(argv: string[]): CommandLine {
  const line: CommandLine = { words: [], name: "lab", guests: "site" };
  for (let i = 0; i < argv.length; i++) {
    const word = argv[i] as string;
    const verbatim = line.words[0] === "ssh" || line.words[0] === "exec";
    if (!verbatim && (word === "--name" || word === "--guests"))
      line[word.slice(2) as "name" | "guests"] = needed(argv[++i], `the value of ${word}`);
    else if (!verbatim && word.startsWith("-")) throw new UsageError(`there is no option ${word}`);
    else line.words.push(word);
  }
  return line;
}

async function main(argv: string[]): Promise<number> {
  if (argv.length === 0 || ["help", "-h", "--help"].includes(argv[0] as string)) {
    process.stdout.write(help);
    return 0;
  }
  try {
    const { words, name, guests } = parse(argv);
    const [word, ...args] = words;
    const verb = word !== undefined && Object.hasOwn(verbs, word) ? verbs[word] : undefined;
    if (!verb) throw new UsageError(`there is no command "${word ?? ""}"`);
    const result = await verb(name, args, guests);
    return typeof result === "number" ? result : 0;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    process.stderr.write(`✗ ${error.message}\n`);
    if (error instanceof UsageError) process.stderr.write('  "npm run lab -- help" shows the commands.\n');
    return error instanceof UsageError ? 2 : 1;
  }
}

process.exitCode = await main(process.argv.slice(2));
