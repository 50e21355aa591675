/** What went wrong is said; what passes by itself is tried again. */

import { ask, Busy, Refused, Unknown, Unreachable } from "./api.js";
import { askForToken } from "./dialogs.js";
import { byId, element, say } from "./element.js";
import { clearPages, pagesShown } from "./results.js";
import { showAway, showProblem } from "./states.js";
import { tellNothing } from "./summary.js";

/** @typedef {{again: () => void, anew: () => void}} Ways to do the same again, and to begin from the start */

const LOOK_AGAIN_MS = 1500;

/** Say what is wrong, and do what helps. @param {Error} error @param {Ways} ways */
export function trouble(error, { again, anew }) {
  if (error instanceof Unknown) {
    askForToken().then(anew);
  } else if (error instanceof Unreachable) {
    tellBanner("The server does not answer. Trying again…");
    if (!pagesShown().length) showAway();
    setTimeout(() => lookAgain(anew), LOOK_AGAIN_MS);
  } else if (error instanceof Busy) {
    tellBanner("The server is busy; asking again in a moment…");
  } else {
    clearPages();
    tellNothing();
    showProblem(error.message, error instanceof Refused ? null : again);
  }
}

let isLooking = false;

/** Wait until the server is back, and begin anew. @param {() => void} anew */
async function lookAgain(anew) {
  if (isLooking) return;
  isLooking = true;
  for (;;) {
    try {
      await ask("/readyz");
      break;
    } catch {
      await new Promise((later) => setTimeout(later, LOOK_AGAIN_MS));
    }
  }
  isLooking = false;
  calm();
  say("The server answers again");
  anew();
}

/** @param {string} text */
function tellBanner(text) {
  byId("banner").replaceChildren(element("span", { className: "pulse", "aria-hidden": "true" }), text);
  byId("banner").hidden = false;
}

/** Nothing is wrong any more. */
export function calm() {
  byId("banner").hidden = true;
}
