// Shows one of the server's OpenAPI documents and tries its operations. Everything from the document enters the page as text.
"use strict";

const METHODS = ["get", "put", "post", "patch", "delete", "head"];
// What this server offers, seen from the page.
const DOCUMENTS = { flowg: "docs/openapi.json", platform: "../platform/v1/openapi.json" };
let openapi;
let base;
let token = "";

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function resolve(node) {
  while (node && node.$ref) {
    node = node.$ref.slice(2).split("/").reduce((at, part) => at[part], openapi);
  }
  return node;
}

// A short text for the form of a value: enough to write a body by hand.
function form(schema, depth = 0) {
  schema = resolve(schema) ?? {};
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  const choices = schema.oneOf ?? schema.anyOf;
  if (choices) return choices.map((choice) => form(choice, depth)).join(" | ");
  const types = [schema.type ?? "any"].flat();
  const pad = "  ".repeat(depth + 1);
  const texts = types.map((type) => {
    if (type === "array") return `[${form(schema.items, depth)}]`;
    if (type !== "object") return schema.format ? `${type} (${schema.format})` : type;
    const members = Object.entries(schema.properties ?? {}).map(([name, member]) => {
      const mark = (schema.required ?? []).includes(name) ? "" : "?";
      const about = resolve(member).description ? `  // ${resolve(member).description}` : "";
      return `${pad}${JSON.stringify(name)}${mark}: ${form(member, depth + 1)}${about}`;
    });
    if (schema.additionalProperties) members.push(`${pad}…: ${form(schema.additionalProperties, depth + 1)}`);
    return members.length ? `{\n${members.join("\n")}\n${"  ".repeat(depth)}}` : "{}";
  });
  return texts.join(" | ");
}

function content(of) {
  return Object.entries(of?.content ?? {}).map(([type, { schema }]) => `${type}\n${form(schema)}`).join("\n\n");
}

function parameters(operation) {
  return (operation.parameters ?? []).map(resolve);
}

function input(parameter) {
  const field = make("input", { name: `${parameter.in}:${parameter.name}`, required: parameter.required ?? false });
  return make("label", { title: parameter.description ?? "" }, `${parameter.name} (${parameter.in})`, field);
}

async function send(form, method, path, operation, answer) {
  const values = new FormData(form);
  const query = new URLSearchParams();
  for (const parameter of parameters(operation)) {
    const value = values.get(`${parameter.in}:${parameter.name}`);
    if (parameter.in === "path") path = path.replace(`{${parameter.name}}`, encodeURIComponent(value));
    else if (value) query.set(parameter.name, value);
  }
  const options = { method: method.toUpperCase(), headers: token ? { Authorization: `Bearer ${token}` } : {} };
  const kinds = Object.keys(operation.requestBody?.content ?? {});
  if (kinds.length) {
    options.body = values.get("body");
    options.headers["Content-Type"] = kinds.includes("application/json") ? "application/json" : kinds[0];
  }
  const target = base + path + (query.size ? `?${query}` : "");
  try {
    const response = await fetch(target, options);
    const type = response.headers.get("Content-Type") ?? "";
    let text;
    if (type.startsWith("text/event-stream") || type.startsWith("application/octet-stream")) {
      text = `(${type}: use a program to take it)`;
      await response.body?.cancel();
    } else {
      text = await response.text();
      if (type.startsWith("application/json")) text = JSON.stringify(JSON.parse(text), null, 2);
    }
    answer.textContent = `${response.status} ${response.statusText}\n${text}`;
  } catch (error) {
    answer.textContent = String(error);
  }
}

function trial(method, path, operation) {
  const fields = make("form", {}, ...parameters(operation).map(input));
  const kinds = operation.requestBody?.content ?? {};
  if (kinds["multipart/form-data"]) return make("p", {}, "Uploads are made with a program.");
  if (Object.keys(kinds).length) {
    const example = kinds["application/json"]?.example;
    const body = make("textarea", { name: "body", value: example ? JSON.stringify(example, null, 2) : "" });
    fields.append(make("label", { className: "wide" }, "Body", body));
  }
  const answer = make("pre", { hidden: true });
  fields.append(make("button", {}, "Send"));
  fields.addEventListener("submit", (event) => {
    event.preventDefault();
    answer.hidden = false;
    answer.textContent = "…";
    send(fields, method, path, operation, answer);
  });
  return make("div", {}, fields, answer);
}

function show(method, path, operation) {
  const body = make("div");
  const details = make(
    "details",
    { id: operation.operationId },
    make("summary", {}, make("span", { className: "method" }, method), make("span", { className: "path" }, path), make("span", { className: "what" }, operation.summary)),
    body,
  );
  details.dataset.words = [method, path, operation.operationId, operation.summary, operation.description].join(" ").toLowerCase();
  details.addEventListener("toggle", () => {
    if (!details.open || body.hasChildNodes()) return;
    body.append(make("p", {}, operation.description ?? ""));
    if (operation.requestBody) body.append(make("h3", {}, "Body"), make("pre", {}, content(operation.requestBody)));
    const rows = Object.entries(operation.responses).map(([status, response]) => {
      response = resolve(response);
      const form = status === "200" ? content(response) : "";
      return make("tr", {}, make("td", {}, status), make("td", {}, response.description, ...(form ? [make("pre", {}, form)] : [])));
    });
    body.append(make("h3", {}, "Answers"), make("table", {}, ...rows), make("h3", {}, "Try it"), trial(method, path, operation));
  });
  return details;
}

function find(text) {
  const words = text.toLowerCase().split(/\s+/);
  for (const details of document.querySelectorAll("details")) {
    details.hidden = !words.every((word) => details.dataset.words.includes(word));
  }
}

async function login(event) {
  event.preventDefault();
  const said = document.getElementById("session");
  const body = JSON.stringify(Object.fromEntries(new FormData(event.target)));
  const response = await fetch(`${base}/api/v1/auth/login`, { method: "POST", body, headers: { "Content-Type": "application/json" } });
  const answer = await response.json();
  token = answer.token ?? "";
  said.textContent = token ? `Logged in as ${new FormData(event.target).get("username")}, until this page is left.` : answer.error;
}

async function start() {
  const shown = new URLSearchParams(location.search).get("document") === "platform" ? "platform" : "flowg";
  openapi = await (await fetch(DOCUMENTS[shown])).json();
  base = location.pathname.replace(/\/api\/docs\/?$/, "");
  document.getElementById("document").href = DOCUMENTS[shown];
  document.getElementById("title").textContent = openapi.info.title;
  document.getElementById("about").textContent = openapi.info.description;
  const main = document.getElementById("operations");
  main.replaceChildren();
  for (const tag of openapi.tags) {
    const section = make("section", {}, make("h2", { title: tag.description }, tag.name));
    for (const [path, item] of Object.entries(openapi.paths)) {
      for (const method of METHODS) {
        if (item[method]?.tags.includes(tag.name)) section.append(show(method, path, item[method]));
      }
    }
    main.append(section);
  }
  document.getElementById("find").addEventListener("input", (event) => find(event.target.value));
  document.getElementById("login").addEventListener("submit", login);
}

start().catch((error) => {
  document.getElementById("operations").textContent = `The document cannot be shown: ${error}`;
});
