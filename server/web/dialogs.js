/** Small dialogs: a question with two answers, the keys, and the token that a server asks for. */

import { openSession, Unknown } from "./api.js";
import { element } from "./element.js";

/**
 * @param {string} title @param {...(Node | string)} children
 */
function dialogOf(title, ...children) {
  const heading = element("h2", { id: `dialog-${Math.random().toString(36).slice(2)}` }, title);
  const dialog = element("dialog", { className: "small", "aria-labelledby": heading.id }, heading, ...children);
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  return dialog;
}

/**
 * Ask before something that cannot be undone. Without a `yes` it only tells.
 * @param {string} title @param {string} text @param {string} yes
 * @returns {Promise<boolean>}
 */
export function confirmed(title, text, yes) {
  return new Promise((answer) => {
    const no = element(
      "button",
      { type: "button", className: "plain", autofocus: true, onclick: () => dialog.close() },
      yes ? "Cancel" : "Close",
    );
    const go = element("button", { type: "button", className: "danger", onclick: () => dialog.close("yes") }, yes);
    const buttons = element("div", { className: "buttons" }, no, ...(yes ? [go] : []));
    const dialog = dialogOf(title, element("p", {}, text), buttons);
    dialog.addEventListener("close", () => answer(dialog.returnValue === "yes"));
    dialog.showModal();
  });
}

const KEYS = {
  Anywhere: { "/": "go to the search box", "?": "these keys", Esc: "close, or clear the search" },
  Results: { "↓": "from the search box to the pages", "← → ↑ ↓": "from page to page", Enter: "open the page" },
  "A page": {
    "← →": "page before, page after",
    "[ ]": "result before, result after",
    "+ − 0": "larger, smaller, fit",
    w: "marks of the next word",
    m: "marks on or off",
    l: "more like this page",
    r: "more like a part of it",
  },
};

/** Show which keys do what. */
export function showKeys() {
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
  const [anywhere, results, page] = Object.entries(KEYS).map(part);
  const dialog = dialogOf(
    "Keys",
    element("div", { className: "keys" }, element("div", {}, ...anywhere, ...results), element("div", {}, ...page)),
    element("p", { className: "note" }, "Drop documents anywhere to add them. Paste a picture to search by it."),
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
let asked = null;

/** Ask for the server's token until it is right; several who need it wait for the same form. */
export function askForToken() {
  asked ??= new Promise((known) => {
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
      // Password managers file the token under a name.
      element("input", { type: "text", autocomplete: "username", value: "docsearch", hidden: true }),
      element("label", { for: "token" }, "Token"),
      field,
      problem,
      element("div", { className: "buttons" }, element("button", { className: "strong" }, "Open")),
    );
    const dialog = dialogOf(
      "This index is kept by a token",
      element(
        "p",
        {},
        "It was set when the server was started, with --token or $DOCSEARCH_TOKEN. Ask whoever runs it.",
      ),
      form,
    );
    dialog.classList.add("token");
    let isKnown = false;
    // Browsers let Escape close any dialog in the end; without the token there is nothing to go back to.
    dialog.addEventListener("cancel", (event) => event.preventDefault());
    dialog.addEventListener("close", () => {
      asked = null;
      if (isKnown) known();
      else askForToken().then(known);
    });
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      problem.textContent = "";
      try {
        await openSession(field.value.trim());
        isKnown = true;
        dialog.close();
      } catch (error) {
        problem.textContent =
          error instanceof Unknown ? "That is not the server's token." : /** @type {Error} */ (error).message;
        field.setAttribute("aria-invalid", "true");
        field.select();
      }
    });
    dialog.showModal();
    field.focus();
  });
  return asked;
}
