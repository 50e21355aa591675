/** Modal dialogs: confirmation, keyboard shortcuts, and the server's token. */

import { openSession, Unauthorized } from "./api.js";
import { element } from "./dom.js";

/**
 * @param {string} title @param {...(Node | string)} children
 */
function createDialog(title, ...children) {
  const heading = element("h2", { id: `dialog-${Math.random().toString(36).slice(2)}` }, title);
  const dialog = element("dialog", { className: "small", "aria-labelledby": heading.id }, heading, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}

/**
 * Ask for confirmation. Without a `yes` label it is a message with one button.
 * @param {string} title @param {string} text @param {string} yes
 * @returns {Promise<boolean>}
 */
export function confirmDialog(title, text, yes) {
  return new Promise((resolve) => {
    const no = element(
      "button",
      { type: "button", className: "plain", autofocus: true, onclick: () => dialog.close() },
      yes ? "Cancel" : "Close",
    );
    const go = element("button", { type: "button", className: "danger", onclick: () => dialog.close("yes") }, yes);
    const buttons = element("div", { className: "buttons" }, no, ...(yes ? [go] : []));
    const dialog = createDialog(title, element("p", {}, text), buttons);
    dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"));
    dialog.showModal();
  });
}

/**
 * Ask for one of several options; null if none is chosen.
 * @param {string} title @param {string[]} options
 * @returns {Promise<string | null>}
 */
export function chooseDialog(title, options) {
  return new Promise((resolve) => {
    const choices = options.map((option, i) =>
      element(
        "button",
        { type: "button", className: "plain", autofocus: i === 0, onclick: () => dialog.close(`chosen ${option}`) },
        option,
      ),
    );
    const no = element("button", { type: "button", className: "plain", onclick: () => dialog.close() }, "Cancel");
    const dialog = createDialog(
      title,
      element("div", { className: "choices" }, ...choices),
      element("div", { className: "buttons" }, no),
    );
    dialog.addEventListener("close", () =>
      resolve(dialog.returnValue.startsWith("chosen ") ? dialog.returnValue.slice("chosen ".length) : null),
    );
    dialog.showModal();
  });
}

const SHORTCUTS = {
  Anywhere: {
    "/": "go to the search box",
    "?": "these shortcuts, outside of text fields",
    Esc: "close, or clear the search",
  },
  Results: {
    "↓": "from the search box to the results",
    "j k": "next, previous result",
    "← → ↑ ↓": "move between results",
    Enter: "open the page",
    Esc: "back to the search box",
  },
  "List of documents": { Enter: "search this document alone", Del: "delete the document" },
  "A page": {
    "← →": "previous, next page",
    "k j": "previous, next result; also [ ]",
    "+ − 0": "zoom in, zoom out, fit",
    w: "highlight the next word",
    m: "highlights on or off",
    l: "search for similar pages",
    r: "search by a part of the page",
    "y n": "answers the query, does not",
  },
};

/** Show the keyboard shortcuts. */
export function showShortcuts() {
  const part = (/** @type {[string, Record<string, string>]} */ [where, keys]) => [
    element("h3", {}, where),
    element(
      "dl",
      {},
      ...Object.entries(keys).flatMap(([key, does]) => [
        element("dt", {}, ...key.split(" ").map((each) => element("kbd", {}, each))),
        element("dd", {}, does),
      ]),
    ),
  ];
  const [anywhere, results, documents, page] = Object.entries(SHORTCUTS).map(part);
  const dialog = createDialog(
    "Keyboard shortcuts",
    element(
      "div",
      { className: "keys" },
      element("div", {}, ...anywhere, ...results),
      element("div", {}, ...page, ...documents),
    ),
    element(
      "p",
      { className: "note" },
      "Drop documents anywhere to add them. Paste an image to search by it. ",
      element("a", { href: "/docs" }, "The HTTP API"),
      " of this server.",
    ),
    element(
      "form",
      { method: "dialog", className: "buttons" },
      element("button", { className: "plain", autofocus: true }, "Close"),
    ),
  );
  dialog.classList.add("wide");
  dialog.showModal();
}

/** @type {Promise<void> | null} */
let pending = null;

/** Ask for the server's token until it is correct. Concurrent callers share one dialog. */
export function askForToken() {
  pending ??= new Promise((resolve) => {
    const field = element("input", {
      id: "token",
      type: "password",
      autocomplete: "current-password",
      required: true,
      "aria-describedby": "token-problem",
    });
    const problem = element("p", { id: "token-problem", className: "problem", role: "alert" });
    const form = element(
      "form",
      {},
      // Password managers store the token under a user name.
      element("input", { type: "text", autocomplete: "username", value: "docsearch", hidden: true }),
      element("label", { for: "token" }, "Token"),
      field,
      problem,
      element("div", { className: "buttons" }, element("button", { className: "strong" }, "Open")),
    );
    const dialog = createDialog(
      "This server requires a token",
      element(
        "p",
        {},
        "The token was set when the server was started, with --token or $DOCSEARCH_TOKEN. Ask the person who runs it.",
      ),
      form,
    );
    dialog.classList.add("token");
    let isAuthorized = false;
    // Browsers let repeated Escape close any dialog; without the token there is nothing to return to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      pending = null;
      if (isAuthorized) resolve();
      else askForToken().then(resolve);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      try {
        await openSession(field.value.trim());
        isAuthorized = true;
        dialog.close();
      } catch (error) {
        problem.textContent =
          error instanceof Unauthorized ? "This is not the server's token." : /** @type {Error} */ (error).message;
        field.setAttribute("aria-invalid", "true");
        field.select();
      }
    });
    dialog.showModal();
    field.focus();
  });
  return pending;
}
