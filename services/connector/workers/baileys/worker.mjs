// A worker for Berth with Baileys.
import { createRequire } from "node:module";
import { serve } from "berth-worker";
import { Connection } from "./connection.mjs";
import { Keys } from "./keys.mjs";

const { version } = createRequire(import.meta.url)("baileys/package.json");
await serve({ library: "baileys", version, capacity: 200, Keys, Connection });
