// The heat map, as the page shows it: over the still image, with a legend below.

import { byId } from "./dom.js";
import { drawMap, isFaint, occlusionMap } from "./heatmap.js";
import { announce } from "./messages.js";
import { shownPlace } from "./preprocess.js";
import { answers, model, viewer } from "./state.js";
import { percentText, targetTitle } from "./wording.js";

let mapping = false; // a map is being made

/** Makes and shows the heat map, stops the one that is being made, or hides the one that is there. */
export async function toggleHeatMap() {
  if (mapping) return void (mapping = false);
  if (!byId("heat").hidden) return hideHeatMap();
  const current = answers.current();
  const { contract, engine } = model;
  const { bitmap, answer: { input, part, probabilities } } = viewer.still;
  const target = contract.headline(probabilities);
  const progress = (share) => {
    if (!mapping || !current()) return false;
    byId("legend").textContent = `Covering one part after another: ${percentText(share)}`;
    return true;
  };
  mapping = true;
  progress(0);
  byId("legend").hidden = false;
  byId("heatmap").textContent = "Stop the heat map";
  try {
    const score = probabilities[target];
    const map = await occlusionMap(engine, input, contract.size, target, score, progress, part);
    if (!current()) return;
    if (map === null) return hideHeatMap();
    const title = contract.positive === null ? contract.title(contract.classes[target]) : targetTitle(contract);
    showHeatMap(map, shownPlace(bitmap, contract.geometry), title);
  } catch (error) {
    if (!current()) return; // another model or back end was chosen
    hideHeatMap();
    throw error;
  } finally {
    if (current()) mapping = false;
  }
}

function showHeatMap(map, place, title) {
  drawMap(byId("heat"), map, place);
  byId("heat").hidden = false;
  byId("heatmap").textContent = "Hide the heat map";
  byId("heatmap").setAttribute("aria-pressed", "true");
  byId("legend").textContent = legend(map, title);
  announce(byId("legend").textContent);
}

function legend(map, title) {
  if (isFaint(map)) {
    return `No single part matters: covering any one changes the score for ${title} by less than 2 of 100.`;
  }
  const points = (100 * map.most).toFixed(0);
  return `What the score for ${title} depends on: covering an orange part lowers it, covering a blue part raises it, ` +
    `by up to ${points} of 100. The map shows what the model uses, not where a disease is.`;
}

/** Hides the heat map; one that is not finished stops. */
export function hideHeatMap() {
  mapping = false;
  byId("heat").hidden = byId("legend").hidden = true;
  byId("heatmap").textContent = "Heat map";
  byId("heatmap").setAttribute("aria-pressed", "false");
}
