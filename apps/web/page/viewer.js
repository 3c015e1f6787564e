// The viewer: empty, with the live camera, or with an image that stands still.

import { clearAnswer } from "./answer_view.js";
import { closeCamera } from "./camera.js";
import { byId } from "./dom.js";
import { answers, viewer, views } from "./state.js";

const MODES = { empty: "", live: "Live", still: "Still" };

/** @param {"empty" | "live" | "still"} state */
export function showViewer(state) {
  byId("viewer").dataset.state = state;
  const live = state === "live";
  byId("camera").hidden = live;
  byId("freeze").hidden = byId("stop").hidden = !live;
  byId("cameras-label").hidden = true;
  byId("mode").textContent = MODES[state];
}

export function isLive() {
  return byId("viewer").dataset.state === "live";
}

/** Stops the camera and forgets the image. */
export function emptyViewer() {
  views.next();
  answers.next();
  closeCamera(byId("video"));
  viewer.still?.bitmap.close();
  viewer.still = null;
  showViewer("empty");
  clearAnswer();
}
