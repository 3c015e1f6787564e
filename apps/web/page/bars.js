// The probabilities of an answer as bars, one for each class.

import { percent } from "./contract.js";
import { element } from "./dom.js";

const SVG = "http://www.w3.org/2000/svg";

/** Fills a <ul> with a bar for each class of a model's file; `probabilities` null empties the bars. */
export function showBars(list, contract, kind, probabilities) {
  const order = contract.classes.map((_, i) => i);
  // Two classes keep their places; of many, the likeliest comes first.
  if (contract.classes.length > 2 && probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  else if (contract.positive !== null) order.sort((a, b) => positiveFirst(contract, a, b));
  list.replaceChildren(...order.map((i) => bar(contract, kind, contract.classes[i], probabilities?.[i] ?? null)));
}

function positiveFirst(contract, a, b) {
  return (contract.classes[b] === contract.positive) - (contract.classes[a] === contract.positive);
}

function bar(contract, kind, label, probability) {
  const threshold = label === contract.positive ? contract.threshold(kind) : null;
  const item = element("li", "");
  item.dataset.class = label;
  const head = element("div", "bar-head");
  head.append(
    element("span", "", contract.title(label)),
    element("span", "bar-value", probability === null ? "–" : percent(probability)),
  );
  const track = svg("svg", { class: "bar-track", "aria-hidden": "true" });
  track.append(svg("rect", { class: "bar-ground", width: "100%", height: "100%" }));
  track.append(svg("rect", { class: "bar-fill", width: `${100 * (probability ?? 0)}%`, height: "100%" }));
  item.append(head, track);
  if (threshold !== null) {
    const x = `${100 * threshold}%`;
    track.append(svg("line", { class: "bar-threshold", x1: x, x2: x, y1: "0", y2: "100%" }));
    item.append(element("div", "bar-note", `Threshold ${percent(threshold)}`));
  }
  return item;
}

function svg(name, attributes) {
  const result = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) result.setAttribute(key, value);
  return result;
}
