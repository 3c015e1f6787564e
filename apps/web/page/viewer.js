// The viewer: empty, with the live camera, or with an image that stands still.

import { clearAnswer } from "./answer_view.js";
import { closeCamera } from "./camera.js";
import { byId } from "./dom.js";
import { shownPlace } from "./preprocess.js";
import { answers, model, viewer, views } from "./state.js";

const RING = 40; // its radius, in hundredths of the viewer's side
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

/** Shows the camera as far as the model takes it, with the ring inside; called when either changes. */
export function frameViewer() {
  const geometry = model.contract?.geometry ?? "crop";
  byId("viewer").dataset.geometry = geometry;
  const { videoWidth: width, videoHeight: height } = byId("video");
  const place = shownPlace(width > 0 ? { width, height } : { width: 1, height: 1 }, geometry);
  byId("ring").setAttribute("r", RING * Math.min(place.width, place.height));
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
