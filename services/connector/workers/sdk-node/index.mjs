export { failed } from "./link.mjs";
export { SealedFolder } from "./sealed.mjs";
export { serve } from "./worker.mjs";
