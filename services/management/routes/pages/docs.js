// Shows /openapi.json. Text is only ever set as text, so nothing in the document can become markup.
"use strict";

const METHODS = ["get", "post", "put", "patch", "delete"];

function make(tag, content, className) {
  const element = document.createElement(tag);
  if (className) element.className = className;
  for (const part of [content].flat()) {
    if (part !== undefined && part !== null) element.append(part);
  }
  return element;
}

function follow(whole, part) {
  if (!part || !part.$ref) return part;
  return part.$ref.slice(2).split("/").reduce((found, name) => found[name], whole);
}

function nameOf(ref) {
  return ref.slice(ref.lastIndexOf("/") + 1);
}

// Says in a few words what a schema lets through.
function words(schema) {
  if (!schema || schema === true) return "anything";
  if (schema.$ref) return nameOf(schema.$ref);
  if (schema.anyOf) return schema.anyOf.map(words).join(" or ");
  if (schema.enum) return schema.enum.map((each) => JSON.stringify(each)).join(", ");
  if ("const" in schema) return JSON.stringify(schema.const);
  if (schema.type === "array") return `list of ${words(schema.items)}`;
  if (schema.type === "object" && schema.additionalProperties) {
    return `map of ${words(schema.additionalProperties)}`;
  }
  const bounds = [];
  const least = schema.minimum ?? schema.minLength;
  const most = schema.maximum ?? schema.maxLength;
  if (least !== undefined) bounds.push(`from ${least}`);
  if (most !== undefined) bounds.push(`up to ${most}`);
  if (schema.pattern) bounds.push(`as ${schema.pattern}`);
  return [schema.format || schema.type || "anything", ...bounds].join(" ");
}

function table(head, rows) {
  const line = (tag, cells) => make("tr", cells.map((cell) => make(tag, cell)));
  const body = make("tbody", rows.map((row) => line("td", row)));
  return make("div", make("table", [make("thead", line("th", head)), body]), "wide");
}

function fields(schema) {
  const required = schema.required || [];
  return table(
    ["field", "", "takes", "meaning"],
    Object.entries(schema.properties || {}).map(([name, field]) => [
      make("code", name),
      required.includes(name) ? "required" : "",
      words(field),
      field.description || "",
    ]),
  );
}

// A body: its own fields, and those of the types inside it on demand.
function body(whole, content) {
  return Object.entries(content || {}).map(([media, { schema }]) => {
    const shown = [make("p", [make("code", media), ` ${schema ? words(schema) : ""}`])];
    const named = schema && schema.$ref ? follow(whole, schema) : schema;
    if (named && named.description) shown.push(make("p", named.description, "says"));
    if (named && named.properties) shown.push(fields(named));
    const inside = new Set();
    collect(whole, named, inside);
    if (schema && schema.$ref) inside.delete(nameOf(schema.$ref));
    for (const name of inside) {
      const type = whole.components.schemas[name];
      const parts = [make("summary", make("code", name))];
      if (type.description) parts.push(make("p", type.description, "says"));
      parts.push(type.properties ? fields(type) : make("p", words(type)));
      shown.push(make("details", parts));
    }
    return make("div", shown);
  });
}

function collect(whole, part, found) {
  if (!part || typeof part !== "object") return;
  if (part.$ref && !found.has(nameOf(part.$ref))) {
    found.add(nameOf(part.$ref));
    collect(whole, follow(whole, part), found);
  }
  Object.values(part).forEach((each) => collect(whole, each, found));
}

function details(whole, operation) {
  const shown = [];
  const security = (operation.security || [])[0];
  const scope = security && Object.values(security)[0].join(", ");
  shown.push(make("p", scope ? ["Scope: ", make("code", scope)] : "Open to anybody."));
  if (operation.parameters.length) {
    shown.push(make("h3", "Parameters"));
    shown.push(table(
      ["name", "in", "takes", "meaning"],
      operation.parameters.map((each) => [
        make("code", each.name),
        each.in + (each.required ? ", required" : ""),
        words(each.schema),
        each.description || "",
      ]),
    ));
  }
  if (operation.requestBody) {
    shown.push(make("h3", operation.requestBody.required ? "Body" : "Body, which may be left out"));
    shown.push(...body(whole, operation.requestBody.content));
  }
  shown.push(make("h3", "Answers"));
  for (const [status, response] of Object.entries(operation.responses)) {
    const said = follow(whole, response);
    const headers = make("p", ["Headers: ", make("code", Object.keys(said.headers).join(", "))]);
    shown.push(make("details", [
      make("summary", `${status} ${said.description}`),
      headers,
      ...body(whole, said.content),
    ]));
  }
  return shown;
}

function entry(whole, path, method, operation) {
  const shown = make("details", make("summary", [
    make("span", method.toUpperCase(), "method"),
    make("code", path),
    make("span", ` ${operation.summary}`, "says"),
  ]));
  shown.id = operation.operationId;
  shown.dataset.text = `${method} ${path} ${operation.summary}`.toLowerCase();
  shown.dataset.face = operation.tags[0].split(" ")[0];
  // Made when it is opened: most never are.
  shown.addEventListener("toggle", () => shown.append(...details(whole, operation)), { once: true });
  return shown;
}

function filter() {
  const text = document.getElementById("find").value.toLowerCase();
  const face = document.getElementById("face").value;
  for (const section of document.querySelectorAll("section")) {
    let seen = false;
    for (const each of section.querySelectorAll("details[data-text]")) {
      each.hidden = !each.dataset.text.includes(text) || (face && each.dataset.face !== face);
      seen = seen || !each.hidden;
    }
    section.hidden = !seen;
  }
}

function show(whole) {
  document.getElementById("about").textContent = `Version ${whole.info.version}`;
  const faces = new Set(whole.tags.map((tag) => tag.name.split(" ")[0]));
  for (const face of faces) document.getElementById("face").append(make("option", face));
  const sections = whole.tags.map((tag) => {
    const entries = [];
    for (const [path, item] of Object.entries(whole.paths)) {
      for (const method of METHODS) {
        if (item[method] && item[method].tags[0] === tag.name) {
          entries.push(entry(whole, path, method, item[method]));
        }
      }
    }
    return make("section", [make("h2", tag.name), ...entries]);
  });
  document.getElementById("operations").replaceChildren(...sections);
  document.getElementById("find").addEventListener("input", filter);
  document.getElementById("face").addEventListener("change", filter);
  const named = document.getElementById(location.hash.slice(1));
  if (named) named.open = true;
}

fetch("/openapi.json")
  .then((answer) => (answer.ok ? answer.json() : Promise.reject(new Error(answer.status))))
  .then(show)
  .catch((error) => {
    document.getElementById("operations").textContent = `The document cannot be read: ${error.message}`;
  });
