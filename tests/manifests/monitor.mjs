// Reads the ServiceMonitor with a model of its kind: whatever that does not know or finds wrong is an error.
import { readFile } from "node:fs/promises";
import { ServiceMonitor } from "@kubernetes-models/prometheus-operator/monitoring.coreos.com/v1/ServiceMonitor";

for (const written of JSON.parse(await readFile(process.argv[2], "utf8"))) {
  if (written.kind !== "ServiceMonitor") throw new Error(`a ${written.kind} is not known here`);
  new ServiceMonitor(written).validate();
}
console.log("the ServiceMonitor is valid");
