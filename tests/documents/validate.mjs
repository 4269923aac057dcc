// Reads the AsyncAPI document with the parser of its specification: whatever that finds wrong is an error.
import { readFile } from "node:fs/promises";
import { Parser } from "@asyncapi/parser";

const { document, diagnostics } = await new Parser().parse(await readFile(process.argv[2], "utf8"));
// Severities are error, warning, information and hint.
const wrong = diagnostics.filter((found) => found.severity <= 1);
for (const { severity, message, path } of wrong) {
  console.error(`${severity === 0 ? "error" : "warning"} at ${path.join(".")}: ${message}`);
}
if (!document || wrong.length > 0) process.exit(1);

const counted = document.channels().all().map((channel) => `${channel.messages().all().length} of ${channel.id()}`);
console.log(`the AsyncAPI document is valid: messages ${counted.join(", ")}`);
