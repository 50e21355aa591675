/** The choice of what pages are found by: pictures and words, or their meaning too, where the index has it. */

import { byId, element } from "./dom.js";
import { currentState, navigate } from "./url_state.js";

const chooser = element("select", {
  id: "mode",
  title: "What pages are found by",
  onchange: () => navigate({ mode: chooser.value }, { push: true }),
});
chooser.append(
  element("option", { value: "" }, "By pictures and words"),
  element("option", { value: "semantic" }, "By meaning, too"),
);
const label = element("label", { className: "visually-hidden", for: "mode" }, "What pages are found by");
byId("filters").append(label, chooser);
label.hidden = chooser.hidden = true;

/** Show the choice where the index has one; elsewhere nothing is chosen. @param {boolean} isOffered */
export function showModes(isOffered) {
  label.hidden = chooser.hidden = !isOffered;
  if (!isOffered && currentState().mode) navigate({ mode: "" });
  updateMode();
}

/** Show which one is chosen. */
export function updateMode() {
  chooser.value = currentState().mode;
}
