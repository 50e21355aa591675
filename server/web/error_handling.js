/** Shows errors, and retries those that may pass: an unreachable or busy server, a missing token. */

import { fetchJson, Busy, RequestError, Unauthorized, Unreachable } from "./api.js";
import { askForToken } from "./dialogs.js";
import { byId, element, announce } from "./dom.js";
import { clearPages, setBusy, shownPages } from "./results.js";
import { showUnreachable, showError } from "./empty_states.js";
import { hideSummary } from "./summary.js";

/** @typedef {{retry: () => void, restart: () => void}} Actions repeat the request; start the page again */

const POLL_INTERVAL_MS = 1500;

/** Show an error, and recover from it if possible. @param {Error} error @param {Actions} actions */
export function handleError(error, { retry, restart }) {
  if (!(error instanceof Busy)) setBusy(false);
  if (error instanceof Unauthorized) {
    askForToken().then(restart);
  } else if (error instanceof Unreachable) {
    showBanner("The server does not respond. Trying again…");
    if (!shownPages().length) showUnreachable();
    setTimeout(() => waitForServer(restart), POLL_INTERVAL_MS);
  } else if (error instanceof Busy) {
    showBanner("The server is busy. Trying again…");
  } else {
    clearPages();
    hideSummary();
    showError(error.message, error instanceof RequestError ? null : retry);
  }
}

let isWaiting = false;

/** Poll the server until it responds, then start the page again. @param {() => void} restart */
async function waitForServer(restart) {
  if (isWaiting) return;
  isWaiting = true;
  for (;;) {
    try {
      await fetchJson("/readyz");
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, POLL_INTERVAL_MS));
    }
  }
  isWaiting = false;
  hideBanner();
  announce("The server responds again");
  restart();
}

/** @param {string} text */
function showBanner(text) {
  byId("banner").replaceChildren(element("span", { className: "pulse", "aria-hidden": "true" }), text);
  byId("banner").hidden = false;
}

/** Hide the error banner. */
export function hideBanner() {
  byId("banner").hidden = true;
}
