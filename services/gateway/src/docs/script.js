// Shows the document that the address names, and sends what is tried. Nothing is stored, and nobody else is asked.
"use strict";

// What stands before every path here, if a proxy takes it away, and the document that the address names.
const [, prefix, name] = location.pathname.match(/^(.*)\/docs(?:\/([^/]*))?\/?$/);
const source = `${prefix}${name ? `/docs/${name}` : ""}/openapi.json`;
// What most people come for stands first.
const ORDER = ["instances", "history", "webhooks", "tokens", "gate", "accounts"];
const SHOWN_MAX = 65536;

const byId = (id) => document.getElementById(id);
const element = (name, ...children) => { const made = document.createElement(name); made.append(...children); return made };
const classed = (made, name) => { made.className = name; return made };
// Text in which `code` is marked as in Markdown.
const prose = (name, text) => element(name, ...(text || "").split("`").map((part, at) => at % 2 ? element("code", part) : part));
// What may be wider than the page scrolls by itself, also by keyboard.
const scrolling = (made, label) => Object.assign(made, { tabIndex: 0, ariaLabel: label, role: "group" });
const table = (rows, label) => rows.length ? [scrolling(classed(element("div", element("table", element("tbody", ...rows))), "table"), label)] : [];

class Api {
  constructor(document) { this.document = document }

  resolve(schema) { return schema?.$ref ? this.resolve(this.document.components.schemas[schema.$ref.split("/").pop()]) : schema }

  alternatives(schema) { return (schema.oneOf || schema.anyOf || []).filter((it) => it.type !== "null") }

  type(schema) {
    if (!schema) return "anything";
    const whole = this.resolve(schema);
    if (schema.$ref) return whole.properties || whole.oneOf || whole.allOf ? schema.$ref.split("/").pop() : this.type(whole);
    if (schema.enum) return schema.enum.join(", ");
    if (schema.items) return `${this.type(schema.items)} …`;
    const others = this.alternatives(schema);
    if (others.length) return [...new Set(others.map((it) => this.type(it)))].join(" or ");
    return [].concat(schema.type || "anything").filter((it) => it !== "null").join(" or ");
  }

  // Rows of the fields of a schema: those of a field that is an object follow it, after its name and a dot.
  rows(schema, prefix = "", depth = 0) {
    const whole = this.resolve(schema);
    if (!whole || depth > 3) return [];
    if (whole.items) return this.rows(whole.items, prefix, depth);
    const parts = [...(whole.allOf || []), ...this.alternatives(whole)].flatMap((part) => this.rows(part, prefix, depth + 1));
    const own = Object.entries(whole.properties || {}).flatMap(([name, field]) => {
      const described = field.description || this.alternatives(field)[0]?.description || "";
      const optional = (whole.required || []).includes(name) ? "" : " ?";
      const row = element("tr", element("td", element("code", prefix + name), optional), element("td", this.type(field)), prose("td", described));
      return [row, ...this.rows(field, `${prefix}${name}.`, depth + 1)];
    });
    return [...parts, ...own];
  }

  // A value that the schema allows: its example, or one that is made of its parts.
  sample(schema, depth = 0) {
    const whole = this.resolve(schema) || {};
    const given = whole.examples?.[0] ?? whole.example ?? whole.default ?? whole.const;
    if (given !== undefined) return given;
    if (whole.enum) return whole.enum[0];
    if (depth > 4) return null;
    if (whole.allOf) return Object.assign({}, ...whole.allOf.map((part) => this.sample(part, depth + 1)));
    const other = this.alternatives(whole)[0];
    if (other) return this.sample(other, depth + 1);
    if (whole.properties) {
      const fields = Object.entries(whole.properties);
      return Object.fromEntries(fields.map(([name, field]) => [name, this.sample(field, depth + 1)]));
    }
    if (whole.items) return [this.sample(whole.items, depth + 1)];
    const type = [].concat(whole.type || "object").find((it) => it !== "null");
    return { string: whole.format === "date-time" ? "2026-11-21T10:07:36Z" : "text", integer: whole.minimum ?? 1, number: 1, boolean: true, object: {}, array: [] }[type];
  }

  // How an operation is told the token: a header, or none if it takes no token or takes it elsewhere.
  header(operation, token) {
    const named = (operation.security ?? this.document.security ?? [])[0];
    const scheme = this.document.components?.securitySchemes?.[Object.keys(named || {})[0]];
    if (scheme?.type === "http") return ["Authorization", `Bearer ${token}`];
    if (scheme?.type === "apiKey" && scheme.in === "header") return [scheme.name, token];
    return null;
  }
}

const quoted = (text) => `'${text.replaceAll("'", "'\\''")}'`;

// The form that an operation is tried with, and the command that does the same.
class Trial {
  constructor(api, route, method, operation) {
    Object.assign(this, { api, route, method: method.toUpperCase(), operation, fields: [] });
    for (const parameter of operation.parameters || []) {
      const input = element("input");
      const known = this.api.resolve(parameter.schema)?.examples?.[0] ?? parameter.example ?? "";
      Object.assign(input, { value: known, required: parameter.in === "path", autocomplete: "off", spellcheck: false });
      this.fields.push({ name: parameter.name, where: parameter.in, input });
    }
    const json = operation.requestBody?.content?.["application/json"];
    if (json) {
      const sample = this.api.sample(json.schema);
      this.body = Object.assign(element("textarea"), { value: JSON.stringify(sample, null, 2), spellcheck: false });
    }
    this.command = scrolling(element("pre"), "Command");
    this.said = Object.assign(element("p"), { role: "status" });
    this.answer = scrolling(classed(element("pre"), "answer"), "Answer");
    this.answer.hidden = true;
    this.stop = Object.assign(element("button", "Stop"), { type: "button", hidden: true, onclick: () => this.aborter?.abort() });
  }

  request(token) {
    const value = (where) => this.fields.filter((it) => it.where === where && it.input.value !== "");
    let route = this.route;
    for (const { name, input } of this.fields.filter((it) => it.where === "path" && it.input.value !== "")) {
      route = route.replace(`{${name}}`, encodeURIComponent(input.value));
    }
    const query = new URLSearchParams(value("query").map(({ name, input }) => [name, input.value])).toString();
    const headers = value("header").map(({ name, input }) => [name, input.value]);
    const shown = this.api.header(this.operation, token);
    if (shown) headers.unshift(shown);
    if (this.body) headers.push(["Content-Type", "application/json"]);
    return { url: `${location.origin}${prefix}${route}${query ? `?${query}` : ""}`, headers };
  }

  // The token is never part of what is shown.
  tell() {
    const { url, headers } = this.request("$TOKEN");
    const parts = [`curl${this.method === "GET" ? "" : ` -X ${this.method}`} ${quoted(url)}`];
    for (const [name, value] of headers) parts.push(value.includes("$TOKEN") ? `-H "${name}: ${value}"` : `-H ${quoted(`${name}: ${value}`)}`);
    if (this.body) parts.push(`-d ${quoted(this.compact())}`);
    this.command.textContent = parts.join(" \\\n  ");
  }

  compact() {
    try { return JSON.stringify(JSON.parse(this.body.value)) } catch { return this.body.value }
  }

  form() {
    const send = Object.assign(element("button", "Send"), { type: "submit" });
    const labels = this.fields.map(({ name, where, input }) => element("label", `${name} (${where}) `, input));
    const form = element("form", element("h3", "Try it"), ...labels);
    if (this.body) form.append(element("label", "Body ", this.body));
    form.append(send, this.stop, this.said, this.answer);
    form.oninput = () => this.tell();
    form.onsubmit = (event) => { event.preventDefault(); this.send() };
    this.tell();
    return [element("h3", "curl"), this.command, form];
  }

  async send() {
    this.aborter?.abort();
    const aborter = this.aborter = new AbortController();
    const token = byId("token").value;
    const { url, headers } = this.request(token);
    const wanted = headers.filter(([, value]) => token || !/^(Bearer )?$/.test(value));
    this.said.textContent = "Sent …";
    this.answer.hidden = true;
    this.stop.hidden = false;
    try {
      const body = this.body ? this.compact() : undefined;
      const answer = await fetch(url, { method: this.method, headers: wanted, body, signal: aborter.signal, cache: "no-store", credentials: "omit" });
      this.said.textContent = `${answer.status} ${answer.statusText} — ${answer.headers.get("content-type") || "no body"}`;
      await this.read(answer);
    } catch (error) {
      this.said.textContent = error.name === "AbortError" ? `${this.said.textContent} (stopped)` : `Not sent: ${error.message}`;
    } finally {
      if (this.aborter === aborter) this.stop.hidden = true;
    }
  }

  // As it comes: a stream of events has no end.
  async read(answer) {
    const decoder = new TextDecoder();
    const reader = answer.body?.getReader();
    let text = "";
    while (reader) {
      const { done, value } = await reader.read();
      if (done) break;
      text = (text + decoder.decode(value, { stream: true })).slice(-SHOWN_MAX);
      this.answer.textContent = text;
      this.answer.hidden = false;
    }
    if (/json/.test(answer.headers.get("content-type"))) {
      try { this.answer.textContent = JSON.stringify(JSON.parse(text), null, 2) } catch { /* Shown as it came. */ }
    }
  }
}

const part = (api, title, description, content, withFields) => {
  const entries = Object.entries(content || {});
  const types = entries.flatMap(([media, { schema }]) => [" ", element("code", media), ` ${schema ? api.type(schema) : ""}`]);
  const words = description ? [" ", ...prose("span", description).childNodes] : [];
  const line = element("p", element("b", title), ...words, types.length ? " —" : "", ...types);
  const fields = withFields ? entries.flatMap(([media, { schema }]) => [
    ...table(api.rows(schema), `Fields of ${title}`),
    ...(/json/.test(media) && schema ? [scrolling(element("pre", JSON.stringify(api.sample(schema), null, 2)), `Example of ${title}`)] : []),
  ]) : [];
  return [line, ...fields];
};

const show = (document_) => {
  const api = new Api(document_);
  document.title = api.document.info.title;
  document.querySelector("h1").textContent = `${api.document.info.title} ${api.document.info.version}`;
  byId("about").replaceWith(prose("p", api.document.info.description));
  const operation = (route, method, it) => {
    const name = classed(element("span", method), `method ${method}`);
    const box = classed(element("details", element("summary", name, element("code", route), " — ", ...prose("span", it.summary || it.description).childNodes)), "operation");
    box.id = it.operationId || `${method}${route}`;
    // What is inside is made when it is looked at.
    box.ontoggle = () => {
      if (!box.open || box.children.length > 1) return;
      const link = Object.assign(element("a", "Link to this operation"), { href: `#${box.id}` });
      if (it.description && it.description !== it.summary) box.append(prose("p", it.description));
      box.append(element("p", link));
      const parameters = (it.parameters || []).map((p) => element("tr", element("td", element("code", p.name), p.required ? "" : " ?"), element("td", p.in), element("td", api.type(p.schema)), prose("td", p.description)));
      if (parameters.length) box.append(element("h3", "Parameters"), ...table(parameters, "Parameters"));
      if (it.requestBody) box.append(element("h3", "Body"), ...part(api, "Body", it.requestBody.description, it.requestBody.content, true));
      box.append(element("h3", "Answers"));
      // All errors of an API have one body: its fields are shown once.
      let errors = 0;
      for (const [status, answer] of Object.entries(it.responses)) box.append(...part(api, status, answer.description, answer.content, status < "400" || !errors++));
      box.append(...new Trial(api, route, method, it).form());
    };
    const texts = [method, route, it.operationId, it.summary, it.description, ...(it.parameters || []).map((p) => p.name)];
    return { box, text: texts.join(" ").toLowerCase() };
  };
  const tags = new Map();
  for (const [route, item] of Object.entries(api.document.paths)) for (const [method, it] of Object.entries(item)) if (it.responses) {
    const tag = it.tags?.[0] || "other";
    tags.set(tag, [...(tags.get(tag) || []), operation(route, method, it)]);
  }
  const rank = (tag) => ORDER.includes(tag) ? ORDER.indexOf(tag) : ORDER.length;
  const sections = [...tags].sort(([a], [b]) => rank(a) - rank(b)).map(([tag, operations]) => {
    const whole = element("section", element("h2", tag), ...operations.map(({ box }) => box));
    byId("routes").append(whole);
    return { whole, operations };
  });
  const search = () => {
    const words = byId("search").value.toLowerCase().split(/\s+/).filter(Boolean);
    let found = 0;
    for (const { whole, operations } of sections) {
      const shown = operations.filter(({ box, text }) => !(box.hidden = !words.every((word) => text.includes(word))));
      whole.hidden = !shown.length;
      found += shown.length;
    }
    byId("found").textContent = words.length ? `${found} ${found === 1 ? "operation" : "operations"}` : "";
  };
  byId("search").oninput = search;
  // What an address points to is shown, also after a search, and has moved down since the page began.
  const go = () => {
    const target = location.hash && byId(decodeURIComponent(location.hash.slice(1)));
    if (!target) return;
    if (target.hidden) { byId("search").value = ""; search() }
    if (target.tagName === "DETAILS") target.open = true;
    target.scrollIntoView();
  };
  addEventListener("hashchange", go);
  go();
};

byId("source").href = source;
byId("source").textContent = source;
fetch(source).then((answer) => answer.json()).then(show)
  .catch(() => { byId("about").textContent = "The document could not be loaded." });
