// From the start of a process until it answers with all its functions, and its memory when it then has nothing to do: for
// the official JavaScript SDK and for this project's worker, with as many functions, on the same machine, in turns.
//
//   node host/benches/peer/measure.mjs [--functions 110] [--rounds 10] [--settle 3] [--profile release]

import { spawn, execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";

const PACKAGES = { inngest: "4.24.0", bun: "1.4.5" };

/** How long a process may take until it answers with all its functions. */
const PATIENCE_MS = 60_000;

/** The first start of our worker compiles all components. */
const FIRST_PATIENCE_MS = 30 * 60_000;

const { values: options } = parseArgs({
  options: {
    functions: { type: "string", default: "110" },
    rounds: { type: "string", default: "10" },
    settle: { type: "string", default: "3" },
    profile: { type: "string", default: "release" },
  },
});
const functions = Number(options.functions);
const rounds = Number(options.rounds);
const settleMs = Number(options.settle) * 1000;

const workspace = resolve(dirname(fileURLToPath(import.meta.url)), "../../..");
const folder = mkdtempSync(join(tmpdir(), "peer-"));

/** What is measured is told apart from what a tool says about its work. */
const say = (words) => process.stderr.write(`${words}\n`);
const sleep = (ms) => new Promise((done) => setTimeout(done, ms));

/** A port that nobody listens on now. */
const freePort = () =>
  new Promise((done, failed) => {
    const server = createServer();
    server.on("error", failed);
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      server.close(() => done(port));
    });
  });

/** The members of the JSON at this address; nothing where nobody answers yet. */
const ask = (url) =>
  new Promise((done) => {
    const request = get(url, { agent: false }, (answer) => {
      let text = "";
      answer.setEncoding("utf8");
      answer.on("data", (part) => (text += part));
      answer.on("end", () => {
        try {
          done(JSON.parse(text));
        } catch {
          done(undefined);
        }
      });
    });
    request.on("error", () => done(undefined));
  });

/** Resident memory in MiB. */
const residentMib = (pid) => {
  const status = `/proc/${pid}/status`;
  const kib = existsSync(status)
    ? /^VmRSS:\s+(\d+)/m.exec(readFileSync(status, "utf8"))[1]
    : execFileSync("ps", ["-o", "rss=", "-p", String(pid)], { encoding: "utf8" });
  return Number(kib) / 1024;
};

/** Starts one, waits until it answers with all functions, lets it rest, ends it. */
async function measure({ name, command, cwd }, patience = PATIENCE_MS) {
  const port = await freePort();
  const [program, ...args] = command(port);
  // No server is there, so nobody is told of the functions and nobody calls them. Both try in their own way.
  const nobody = `http://127.0.0.1:${await freePort()}`;
  const began = performance.now();
  const child = spawn(program, args, {
    cwd,
    env: { ...process.env, INNGEST_DEV: nobody, PORT: String(port), SYSTEM_BUS_LOG: "off" },
    stdio: ["ignore", "ignore", "inherit"],
  });
  let ended;
  child.on("error", (error) => (ended = error.message));
  child.on("exit", (code, signal) => (ended ??= `it ended with ${signal ?? code}`));
  try {
    for (;;) {
      const answer = await ask(`http://127.0.0.1:${port}/api/inngest`);
      if (answer?.function_count === functions) break;
      if (ended !== undefined) throw new Error(`${name}: ${ended}`);
      if (performance.now() - began > patience) {
        throw new Error(`${name}: no answer with ${functions} functions: ${JSON.stringify(answer)}`);
      }
      await sleep(1);
    }
    const readyMs = performance.now() - began;
    await sleep(settleMs);
    return { readyMs, mib: residentMib(child.pid) };
  } finally {
    if (ended === undefined) {
      const gone = new Promise((done) => child.on("exit", done));
      child.kill("SIGKILL");
      await gone;
    }
  }
}

/** The functions in TypeScript: each in a file of its own, with the steps that our component has. */
function writePeer() {
  const source = join(folder, "peer");
  mkdirSync(join(source, "functions"), { recursive: true });
  writeFileSync(join(source, "package.json"), JSON.stringify({ private: true, type: "module" }));
  writeFileSync(
    join(source, "client.ts"),
    `import { Inngest } from "inngest";

export const inngest = new Inngest({ id: "peer" });

export interface Asked {
  count?: string;
  wait?: number;
}

export async function ran(asked: Asked, step: string): Promise<void> {
  if (asked.count) await fetch(\`\${asked.count}/\${step}\`, { method: "POST" });
}
`,
  );
  const names = Array.from({ length: functions }, (_, n) => `clone${n}`);
  for (const name of names) {
    writeFileSync(
      join(source, "functions", `${name}.ts`),
      `import { inngest, ran, type Asked } from "../client";

export const ${name} = inngest.createFunction(
  { id: "${name}", retries: 4, triggers: [{ event: "testing/clonable.requested" }] },
  async ({ event, step }) => {
    const asked = event.data as Asked;
    const version = await step.run("before", async () => {
      await ran(asked, "before");
      return "1";
    });
    await step.sleep("nap", asked.wait ?? 1);
    await step.run("after", () => ran(asked, "after"));
    return version;
  },
);
`,
    );
  }
  const imports = names.map((name) => `import { ${name} } from "./functions/${name}";`).join("\n");
  writeFileSync(
    join(source, "functions.ts"),
    `${imports}\n\nexport const functions = [${names.join(", ")}];\n`,
  );
  writeFileSync(
    join(source, "bun.ts"),
    `import { serve } from "inngest/bun";
import { inngest } from "./client";
import { functions } from "./functions";

const port = Number(process.env.PORT);
Bun.serve({ hostname: "127.0.0.1", port, fetch: serve({ client: inngest, functions }) });
`,
  );
  writeFileSync(
    join(source, "node.ts"),
    `import { createServer } from "node:http";
import { serve } from "inngest/node";
import { inngest } from "./client";
import { functions } from "./functions";

const handler = serve({ client: inngest, functions });
createServer(handler).listen(Number(process.env.PORT), "127.0.0.1");
`,
  );
  return source;
}

/** Our binary, and as many components as there are functions, each a file of its own. */
function buildOurs() {
  const { profile } = options;
  const components = join(folder, "components");
  // Builds the binary too. Its profile for benchmarks is the one for releases.
  const bench = ["bench", "--locked", "-p", "system-bus", "--bench", "start"];
  const built = ["--profile", profile === "release" ? "bench" : profile];
  const make = ["--", "--make", components, "--count", String(functions)];
  const stdio = ["ignore", 2, "inherit"];
  execFileSync("cargo", [...bench, ...built, ...make], { cwd: workspace, stdio });
  const target = process.env.CARGO_TARGET_DIR ?? join(workspace, "target");
  const program = resolve(workspace, target, profile === "dev" ? "debug" : profile, "system-bus");
  return (port) => [
    program,
    "worker",
    ...["--role", "cluster", "--watch", "off", "--components", components],
    ...["--versions", join(folder, "versions"), "--cache", join(folder, "cache")],
    ...["--listen", `127.0.0.1:${port}`],
  ];
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];
const worst = (values) => Math.max(...values);

try {
  const peer = writePeer();
  const wanted = Object.entries(PACKAGES).map(([name, version]) => `${name}@${version}`);
  say(`installing ${wanted.join(" and ")}`);
  const npm = ["install", "--no-audit", "--no-fund", "--silent", ...wanted];
  execFileSync("npm", npm, { cwd: peer, stdio: ["ignore", 2, "inherit"] });
  const bun = join(peer, "node_modules", ".bin", "bun");
  // Node does not read TypeScript everywhere, so it gets one file; bun gets the sources.
  const bundle = ["build", "node.ts", "--target=node", "--packages=external", "--outfile=node.mjs"];
  execFileSync(bun, bundle, { cwd: peer, stdio: ["ignore", 2, "inherit"] });
  say("building the worker and its components");
  const ours = { name: "system-bus, code cached", command: buildOurs() };

  say("starting the worker for the first time: it compiles all components");
  const first = await measure(ours, FIRST_PATIENCE_MS);
  const contestants = [
    { name: `inngest ${PACKAGES.inngest}, bun ${PACKAGES.bun}`, command: () => [bun, "bun.ts"], cwd: peer },
    {
      name: `inngest ${PACKAGES.inngest}, node ${process.versions.node}`,
      command: () => [process.execPath, "node.mjs"],
      cwd: peer,
    },
    ours,
  ];
  const measured = contestants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    say(`round ${round + 1} of ${rounds}`);
    for (const [n, contestant] of contestants.entries()) measured[n].push(await measure(contestant));
  }

  console.log(`${functions} functions, ${rounds} starts each, profile ${options.profile}\n`);
  console.log("| | start to ready, median | worst | idle memory, median |");
  console.log("| --- | ---: | ---: | ---: |");
  const row = (name, all) => {
    const [ready, mib] = [all.map((one) => one.readyMs), all.map((one) => one.mib)];
    const ms = (value) => `${value.toFixed(0)} ms`;
    console.log(`| ${name} | ${ms(median(ready))} | ${ms(worst(ready))} | ${median(mib).toFixed(1)} MiB |`);
  };
  contestants.forEach((contestant, n) => row(contestant.name, measured[n]));
  row("system-bus, first start (once)", [first]);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
