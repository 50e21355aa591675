/** Makes elements. The page never writes markup, so nothing that a document is called can become markup. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * An element of `tag` with properties, `aria-…` and `data-…` attributes, listeners (`onclick`) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") made.setAttribute(name, String(value));
    else if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else /** @type {any} */ (made)[name] = value;
  }
  made.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

/**
 * One of the pictures in icons.svg.
 * @param {string} name
 * @returns {SVGSVGElement}
 */
export function icon(name) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("class", "icon");
  svg.setAttribute("viewBox", "0 0 24 24");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS("http://www.w3.org/2000/svg", "use");
  use.setAttribute("href", `/static/icons.svg#${name}`);
  svg.append(use);
  return svg;
}

/**
 * A button that shows an icon and is called `label`; `keys` are those that do the same.
 * @param {string} name
 * @param {string} label
 * @param {() => void} onclick
 * @param {string} [keys]
 */
export function iconButton(name, label, onclick, keys) {
  const title = keys ? `${label} (${keys})` : label;
  return element("button", { type: "button", className: "quiet", title, "aria-label": label, onclick }, icon(name));
}

/**
 * The element of the page with this id.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found;
}

/**
 * "1 page", "2 pages", "1,200 pages".
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const SAY_AFTER_MS = 400;
/** @type {number | undefined} */
let saying;

/**
 * Say `text` to those who listen to the page; what is said in one go is said once.
 * @param {string} text
 */
export function say(text) {
  clearTimeout(saying);
  saying = setTimeout(() => {
    byId("said").textContent = text;
  }, SAY_AFTER_MS);
}
