// The README's own words about Baileys, as they stand there, with a fake WhatsApp at the end.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { Stage } from "./stage.mjs";

// The commands below a heading.
const commands = (page, heading) => {
  const section = page.split(`\n## ${heading}\n`)[1].split("\n## ")[0];
  return [...section.matchAll(/```sh\n(.*?)```/gs)].map(([, block]) => block).join("");
};

// Words of the page that are something else here: where the worker stands, and what is installed already. The library is told
// where the fake is, and the address is a free one.
const WORDS = `
  cd() { builtin cd "$BERTH_TEST_WORKER"; }
  npm() { [ "$*" = "ci --ignore-scripts" ] && until curl -sf $BERTH/readyz > /dev/null; do sleep 0.1; done; }
  node() { BERTH_URL=$WORKER_URL BERTH_WORKER_DATA=$HERE/keys exec node --import ./trust.mjs "$@" > "$HERE/worker.txt" 2>&1; }
  PATH=$(dirname "$BERTH_TEST_BINARY"):$PATH
  trap 'kill $(jobs -p) 2> /dev/null || true; wait' EXIT
`;

// The page has words for one library.
if (process.env.BERTH_TEST_LIBRARY === "baileys") test("a worker with Baileys links what the README says", async () => {
  const stage = await Stage.start({ workers: 0 });
  try {
    // The words of the page start a Berth of their own.
    await stage.killBerth();
    const { port } = stage.berths[0];
    const page = await readFile(process.env.BERTH_TEST_README, "utf8");
    const shell = spawn("bash", ["-eu", "-o", "pipefail", "-c", WORDS + commands(page, "With Baileys")], {
      cwd: stage.folder,
      stdio: ["ignore", "pipe", "inherit"],
      env: {
        PATH: process.env.PATH,
        BERTH_TEST_BINARY: process.env.BERTH_TEST_BINARY,
        BERTH_TEST_WORKER: process.env.BERTH_TEST_WORKER,
        HERE: stage.folder,
        BERTH: `http://127.0.0.1:${port}`,
        API: `http://127.0.0.1:${port}/v1/instances`,
        AUTH: "Authorization: Bearer readme-account-token",
        BERTH_ACCOUNT_TOKEN: "readme-account-token",
        BERTH_HTTP: `127.0.0.1:${port}`,
        BERTH_DATA: `${stage.folder}/readme`,
        BERTH_LOG: "error",
        WORKER_URL: `ws://127.0.0.1:${port}`,
        EDGE_URL: stage.edge.url,
        EDGE_ROOT: stage.edge.identity.root.toString("hex"),
      },
    });
    let said = "";
    shell.stdout.on("data", (piece) => (said += piece));
    await once(shell, "close");
    assert.equal(shell.exitCode, 0, said);
    assert.match(said, /"worker":"baileys"/);
    assert.match(said, /^https:\S+#2@\S+$/m, "the text of a code");
  } finally {
    await stage.stop();
  }
});
