/** Selects a region of a page by dragging, or with the arrow keys. */

import { element } from "./dom.js";

const MIN_SIZE = 0.02;
const STEP = 0.02;
const INITIAL_BOX = [0.25, 0.35, 0.75, 0.6];

/**
 * @param {HTMLElement} sheet the element that the region lies over
 * @param {{onchoose: (box: number[]) => void, onend: () => void}} callbacks
 */
export function createRegionSelector(sheet, { onchoose, onend }) {
  let box = INITIAL_BOX;
  /** @type {number[] | null} */
  let from = null;
  const outline = element("div", { className: "region-box" });
  const layer = element(
    "div",
    {
      className: "region",
      tabIndex: 0,
      role: "application",
      "aria-label":
        "Region to search by. Arrow keys move it, Shift with arrow keys resizes it, Enter searches, Escape cancels.",
      hidden: true,
    },
    outline,
  );
  sheet.append(layer);

  function draw() {
    const [x0, y0, x1, y1] = box;
    Object.assign(outline.style, {
      left: `${100 * x0}%`,
      top: `${100 * y0}%`,
      width: `${100 * (x1 - x0)}%`,
      height: `${100 * (y1 - y0)}%`,
    });
  }

  function end() {
    if (layer.hidden) return;
    layer.hidden = true;
    from = null;
    onend();
  }

  /** The position of the pointer in fractions of the page. @param {PointerEvent} event */
  function at(event) {
    const page = layer.getBoundingClientRect();
    const clamped = (/** @type {number} */ fraction) => Math.min(1, Math.max(0, fraction));
    return [clamped((event.clientX - page.x) / page.width), clamped((event.clientY - page.y) / page.height)];
  }

  layer.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    event.stopPropagation();
    layer.setPointerCapture(event.pointerId);
    layer.focus();
    from = at(event);
  });
  layer.addEventListener("pointermove", (event) => {
    if (!from) return;
    const to = at(event);
    box = [Math.min(from[0], to[0]), Math.min(from[1], to[1]), Math.max(from[0], to[0]), Math.max(from[1], to[1])];
    draw();
  });
  layer.addEventListener("pointerup", () => {
    if (!from) return;
    from = null;
    if (box[2] - box[0] >= MIN_SIZE && box[3] - box[1] >= MIN_SIZE) choose();
  });

  layer.addEventListener("keydown", (event) => {
    const [byX, byY] = { ArrowLeft: [-STEP, 0], ArrowRight: [STEP, 0], ArrowUp: [0, -STEP], ArrowDown: [0, STEP] }[
      event.key
    ] ?? [0, 0];
    if (event.key === "Enter") choose();
    else if (event.key === "Escape") end();
    else if (byX || byY) step(byX, byY, event.shiftKey);
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** @param {number} byX @param {number} byY @param {boolean} resize */
  function step(byX, byY, resize) {
    const [x0, y0, x1, y1] = box;
    const clamp = (/** @type {number} */ value, /** @type {number} */ low, /** @type {number} */ high) =>
      Math.min(high, Math.max(low, value));
    if (resize) {
      box = [x0, y0, clamp(x1 + byX, x0 + MIN_SIZE, 1), clamp(y1 + byY, y0 + MIN_SIZE, 1)];
    } else {
      const [moveX, moveY] = [clamp(byX, -x0, 1 - x1), clamp(byY, -y0, 1 - y1)];
      box = [x0 + moveX, y0 + moveY, x1 + moveX, y1 + moveY];
    }
    draw();
  }

  function choose() {
    const chosen = box;
    end();
    onchoose(chosen);
  }

  return {
    isActive: () => !layer.hidden,
    end,
    start() {
      box = INITIAL_BOX;
      draw();
      layer.hidden = false;
      layer.focus();
    },
  };
}
