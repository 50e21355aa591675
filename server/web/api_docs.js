/** The reference of the HTTP API, from the server's own description. It asks no other host. */

import { byId, element } from "./dom.js";

/** @typedef {Record<string, any>} Schema */

/** @type {Schema} */
let description = {};

async function start() {
  const response = await fetch("/openapi.json");
  if (!response.ok) throw new Error(`the server responded with status ${response.status}`);
  description = await response.json();
  const links = [];
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, route] of Object.entries(/** @type {Schema} */ (methods))) {
      const id = `${method}-${path.replace(/[^a-z0-9.]+/g, "-")}`;
      links.push(element("li", {}, element("a", { href: `#${id}` }, ...name(method, path))));
      byId("routes").append(section(id, method, path, route));
    }
  }
  byId("contents").append(element("h2", {}, "Routes"), element("ul", {}, ...links));
  if (location.hash) document.getElementById(location.hash.slice(1))?.scrollIntoView();
}

/** @param {string} method @param {string} path */
const name = (method, path) => [element("span", { className: "method" }, method.toUpperCase()), " ", path];

/** @param {string} id @param {string} method @param {string} path @param {Schema} route */
function section(id, method, path, route) {
  const body = route.requestBody && first(route.requestBody.content);
  return element(
    "section",
    { id, className: "route" },
    element("h2", {}, ...name(method, path)),
    ...paragraphs(route.description),
    ...fieldsOf("Parameters", (route.parameters ?? []).map(parameter)),
    ...(body ? bodyParts("Body", body) : []),
    element("h3", {}, "Responses"),
    element(
      "ul",
      { className: "responses" },
      ...Object.entries(route.responses ?? {}).map(([status, answer]) => response(status, answer)),
    ),
  );
}

/** @param {Schema} parameter */
function parameter({ name, in: place, required, description: about, schema }) {
  return { name, type: typeOf(schema), about: about ?? schema.description, required, note: place, schema };
}

/** @param {string} status @param {Schema} answer */
function response(status, answer) {
  const [type, content] = Object.entries(answer.content ?? {})[0] ?? ["", null];
  const schema = content?.schema && resolve(content.schema);
  const has = schema?.properties && Number(status) < 300;
  const head = [element("code", {}, status), ` ${answer.description ?? ""}${type ? `, ${type}` : ""}`];
  return has
    ? element("li", {}, element("details", {}, element("summary", {}, ...head), ...bodyParts("", content)))
    : element("li", {}, ...head);
}

/** @param {string} title @param {Schema} content */
function bodyParts(title, content) {
  const schema = resolve(content.schema ?? {});
  const example = schema.examples?.[0];
  return [
    ...(title ? [element("h3", {}, title)] : []),
    ...(schema.properties ? [] : [element("p", {}, typeOf(schema))]),
    ...paragraphs(schema.properties ? schema.description : ""),
    ...(example ? [element("pre", { tabIndex: 0 }, element("code", {}, JSON.stringify(example, null, 2)))] : []),
    ...fieldsOf(
      "",
      Object.entries(schema.properties ?? {}).map(([field, of]) => ({
        name: field,
        type: typeOf(/** @type {Schema} */ (of)),
        about: /** @type {Schema} */ (of).description,
        required: schema.required?.includes(field),
        note: "",
        schema: /** @type {Schema} */ (of),
      })),
    ),
  ];
}

/**
 * @param {string} title
 * @param {{name: string, type: string, about?: string, required: boolean, note: string, schema: Schema}[]} fields
 */
function fieldsOf(title, fields) {
  if (!fields.length) return [];
  return [
    ...(title ? [element("h3", {}, title)] : []),
    element(
      "dl",
      { className: "fields" },
      ...fields.flatMap(({ name, type, about, required, note, schema }) => [
        element("dt", {}, element("code", {}, name)),
        element(
          "dd",
          {},
          [type, note && `in ${note}`, required ? "required" : "", ...limits(schema)].filter(Boolean).join(", "),
          about && element("span", { className: "about" }, about),
        ),
      ]),
    ),
  ];
}

/** The limits of a value, and its default. @param {Schema} schema */
function limits(schema) {
  const all = [schema, ...(schema.anyOf ?? [])];
  const of = (/** @type {string} */ key) => all.find((each) => each[key] !== undefined)?.[key];
  const [least, most, longest, otherwise] = ["minimum", "maximum", "maxLength", "default"].map(of);
  return [
    least !== undefined && `at least ${least}`,
    most !== undefined && `at most ${most.toLocaleString("en")}`,
    longest !== undefined && `at most ${longest.toLocaleString("en")} characters`,
    otherwise !== undefined && otherwise !== null && `default ${JSON.stringify(otherwise)}`,
  ];
}

/** @param {Schema} schema @returns {Schema} */
const resolve = (schema) =>
  schema.$ref ? description.components.schemas[schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1)] : schema;

/** The type of a value in words. @param {Schema} schema @returns {string} */
function typeOf(schema) {
  if (schema.$ref) return schema.$ref.slice(schema.$ref.lastIndexOf("/") + 1);
  if (schema.anyOf) return schema.anyOf.map(typeOf).join(" or ");
  if (schema.enum) return schema.enum.map((/** @type {unknown} */ each) => JSON.stringify(each)).join(" or ");
  if (schema.type === "array") return `list of ${typeOf(schema.items ?? {})}`;
  if (schema.format === "binary") return "the bytes of a file";
  return schema.type ?? "any value";
}

/** @param {Record<string, Schema>} content */
const first = (content) => Object.values(content)[0];

/** Text with code in backticks. @param {string | undefined} text */
function paragraphs(text) {
  return (text ?? "")
    .split(/\n\n/)
    .filter(Boolean)
    .map((part) =>
      element("p", {}, ...part.split(/`([^`]+)`/).map((piece, i) => (i % 2 ? element("code", {}, piece) : piece))),
    );
}

start().catch((error) => {
  byId("routes").append(element("p", { role: "alert" }, `The description cannot be loaded: ${error.message}`));
});
