// What the page says about itself: errors, the model's status, and announcements for screen readers.

import { byId } from "./dom.js";

const ANNOUNCE_MS = 3000; // a screen reader needs time to speak

export function showError(error) {
  byId("error-text").textContent = error.message ?? String(error);
  byId("error").hidden = false;
}

export function hideError() {
  byId("error").hidden = true;
}

/** An event handler that shows what goes wrong in `action`. */
export const guarded = (action) => (event) => action(event).catch(showError);

export function showStatus(text) {
  byId("status").textContent = text;
}

let announced = { text: "", at: 0 };

/** Has a screen reader say `text`; a patient one is dropped if it is said already, or too soon after the last. */
export function announce(text, patient = false) {
  const now = performance.now();
  if (patient && (text === announced.text || now - announced.at < ANNOUNCE_MS)) return;
  announced = { text, at: now };
  byId("announcer").textContent = text;
}
