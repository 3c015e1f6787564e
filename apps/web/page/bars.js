// The scores of an answer as bars: one for what a model with a threshold looks for, else one for each class.

import { element } from "./dom.js";
import { bandText, markOf, scoreAndLine, scoreText, targetTitle, words } from "./wording.js";

const SVG = "http://www.w3.org/2000/svg";

/** Fills a <ul> with the bars of a model's file at an operating point; `probabilities` null empties the bars. */
export function showBars(list, contract, kind, probabilities, point = null) {
  if (contract.positive !== null) {
    const probability = probabilities?.[contract.classes.indexOf(contract.positive)] ?? null;
    list.replaceChildren(targetBar(contract, contract.threshold(kind, point), contract.band(kind, point), probability));
    return;
  }
  const order = contract.classes.map((_, i) => i);
  // The most probable comes first.
  if (probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  list.replaceChildren(...order.map((i) => classBar(contract, contract.classes[i], probabilities?.[i] ?? null)));
}

function targetBar(contract, threshold, band, probability) {
  const { score, line } = scoreAndLine(probability ?? 0, threshold);
  const title = element("span", "", words("score_for", { target: targetTitle(contract) }));
  const { item, track } = bar(contract.positive, title, probability, score);
  if (band) track.append(bandOf(band));
  const x = `${100 * threshold}%`;
  track.append(svg("line", { class: "bar-threshold", x1: x, x2: x, y1: "0", y2: "100%" }));
  const note = words("line_at", { line });
  item.append(element("div", "bar-note", band ? `${note}. ${bandText(band)}` : note));
  return item;
}

function bandOf({ low, high }) {
  const width = `${100 * (Math.min(high, 1) - low)}%`;
  return svg("rect", { class: "bar-band", x: `${100 * low}%`, width, height: "100%" });
}

function classBar(contract, name, probability) {
  const title = element("span", "", contract.title(name));
  const mark = markOf(contract, name);
  if (mark) title.append(" ", element("span", "bar-mark", mark));
  return bar(name, title, probability, scoreText(probability ?? 0)).item;
}

function bar(name, title, probability, score) {
  const item = element("li", "");
  item.dataset.class = name;
  item.dataset.probability = probability ?? "";
  const head = element("div", "bar-head");
  head.append(title, element("span", "bar-value", probability === null ? "–" : score));
  const track = svg("svg", { class: "bar-track", "aria-hidden": "true" });
  track.append(svg("rect", { class: "bar-ground", width: "100%", height: "100%" }));
  track.append(svg("rect", { class: "bar-fill", width: `${100 * (probability ?? 0)}%`, height: "100%" }));
  item.append(head, track);
  return { item, track };
}

function svg(name, attributes) {
  const result = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) result.setAttribute(key, value);
  return result;
}
