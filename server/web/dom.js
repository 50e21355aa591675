/** DOM helpers. The page never parses markup, so a document name can never become markup. */

/** @typedef {Node | string | null | undefined | false} Child */

/**
 * Create an element with properties, `aria-…` and `data-…` attributes, listeners (`onclick`) and children.
 * @template {keyof HTMLElementTagNameMap} T
 * @param {T} tag
 * @param {Record<string, any>} [properties]
 * @param {...Child} children
 * @returns {HTMLElementTagNameMap[T]}
 */
export function element(tag, properties = {}, ...children) {
  const created = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (value === undefined || value === null) continue;
    if (name.includes("-") || name === "role" || name === "for") created.setAttribute(name, String(value));
    else if (name.startsWith("on")) created.addEventListener(name.slice(2), value);
    else /** @type {any} */ (created)[name] = value;
  }
  created.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return created;
}

/**
 * An icon of icons.svg.
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
 * An icon button with the accessible name `label`; `keys` are its keyboard shortcuts.
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
 * The element with this id.
 * @param {string} id
 * @returns {any}
 */
export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element #${id}`);
  return found;
}

/**
 * Make `items` the children of `list`. Those that are in their place are not touched: their images do not flicker, they
 * keep the focus, and a press of the mouse that began on one of them ends as a click.
 * @param {Element} list @param {Element[]} items
 */
export function placeInOrder(list, items) {
  const kept = new Set(items);
  for (const child of [...list.children]) if (!kept.has(child)) child.remove();
  let at = list.firstElementChild;
  for (const item of items) {
    if (item === at) at = at.nextElementSibling;
    else list.insertBefore(item, at);
  }
}

/**
 * "1 page", "2 pages", "1,200 pages".
 * @param {number} count
 * @param {string} noun
 */
export function plural(count, noun) {
  return `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
}

const ANNOUNCE_DELAY_MS = 400;
/** @type {number | undefined} */
let pendingAnnouncement;

/**
 * Announce `text` to screen readers; of several in quick succession only the last.
 * @param {string} text
 */
export function announce(text) {
  clearTimeout(pendingAnnouncement);
  pendingAnnouncement = setTimeout(() => {
    byId("announcer").textContent = text;
  }, ANNOUNCE_DELAY_MS);
}
