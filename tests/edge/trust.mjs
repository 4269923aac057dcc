// Loaded before a program that uses Baileys (`node --import`): leads it to the fake WhatsApp, whose certificate it trusts.
// The library itself stays as it is.
import { DEFAULT_CONNECTION_CONFIG, WA_CERT_DETAILS } from "baileys";

WA_CERT_DETAILS.PUBLIC_KEY = Buffer.from(process.env.EDGE_ROOT, "hex");
DEFAULT_CONNECTION_CONFIG.waWebSocketUrl = process.env.EDGE_URL;
