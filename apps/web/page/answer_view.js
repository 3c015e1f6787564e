// An answer, as the page shows it: in the image and beside it.

import { showBars } from "./bars.js";
import { byId } from "./dom.js";
import { hideHeatMap } from "./heat_view.js";
import { model } from "./state.js";
import { wording, words } from "./wording.js";

// What index.html says before anything is scored.
const NO_VERDICT = byId("verdict").textContent;
const NO_EXPLANATION = byId("explanation").textContent;

let shown = null; // the probabilities of the answer that is shown

/** Removes everything that an earlier answer has left, in the image and beside it. */
export function clearAnswer(verdict = NO_VERDICT, explanation = NO_EXPLANATION) {
  byId("verdict").textContent = verdict;
  byId("explanation").textContent = explanation;
  shown = null;
  showBars(byId("bars"), model.contract, model.kind, null, model.point);
  byId("force").hidden = byId("save").hidden = byId("heatmap").hidden = true;
  hideHeatMap();
  showProblem(null);
}

/** Shows an answer, and returns it in words. */
export function showAnswer(probabilities) {
  shown = probabilities;
  const { verdict, explanation } = wording(model.contract, model.kind, probabilities, model.point);
  byId("verdict").textContent = verdict;
  byId("explanation").textContent = explanation;
  showBars(byId("bars"), model.contract, model.kind, probabilities, model.point);
  return { verdict, explanation };
}

/** Shows the present answer at another operating point, and returns it in words; null where there is none. */
export function showAnswerAgain() {
  if (shown !== null) return showAnswer(shown);
  showBars(byId("bars"), model.contract, model.kind, null, model.point);
  return null;
}

/** Says in the image what is wrong with it, or else `text`. */
export function showProblem(problem, text = "") {
  byId("gate").textContent = problem ? words(problem) : text;
  byId("gate").hidden = !byId("gate").textContent;
  byId("viewer").classList.toggle("unfit", Boolean(problem));
}

export function showLatency({ prepareMs, runMs }, framesPerSecond) {
  const rate = framesPerSecond ? `, ${framesPerSecond.toFixed(0)} frames per second` : "";
  byId("latency").textContent = `Image ${prepareMs.toFixed(0)} ms, model ${runMs.toFixed(0)} ms${rate}`;
}
