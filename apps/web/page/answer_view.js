// What the page says about a score: in words that leave the decision where it belongs, and in bars.

import { percent } from "./contract.js";

const SVG = "http://www.w3.org/2000/svg";
const UNDECIDED = 0.5;

export const PROBLEMS = {
  dark: "Too dark to score: bring more light.",
  bright: "Too bright to score: avoid glare, or use less light.",
  blurred: "Too blurred to score: hold still, or change the distance.",
};

/** { verdict, explanation } of the probabilities that a file of a model gave. */
export function wording(contract, kind, probabilities) {
  const said = contract.positive === null
    ? rankingWording(contract, probabilities)
    : binaryWording(contract, probabilities);
  const { verdict, explanation, probability } = said;
  return { verdict, explanation: `${explanation} ${contract.worth(kind, probability)}`.trim() };
}

function rankingWording(contract, probabilities) {
  const best = probabilities.indexOf(Math.max(...probabilities));
  const probability = probabilities[best];
  const title = contract.title(contract.classes[best]);
  if (probability < UNDECIDED) {
    return {
      probability,
      verdict: `Undecided: ${title} ${percent(probability)}`,
      explanation: "No class reaches half of the probability. The model has no threshold.",
    };
  }
  return {
    probability,
    verdict: `${title} ${percent(probability)}`,
    explanation: "The class that this model finds most likely. It has no threshold, and knows these classes only.",
  };
}

function binaryWording(contract, probabilities) {
  const probability = probabilities[contract.classes.indexOf(contract.positive)];
  const title = contract.title(contract.positive);
  const verdict = `${title} ${percent(probability)}`;
  if (contract.threshold === null) return { probability, verdict, explanation: "The model has no threshold." };
  const threshold = percent(contract.threshold);
  const explanation = probability >= contract.threshold
    ? `From ${threshold} on, the model calls a picture ${contract.positive}. It is often wrong.`
    : `Below the model's threshold of ${threshold}. That does not mean that the lesion is harmless.`;
  return { probability, verdict, explanation };
}

/** Fills a <ul> with a bar for each class; `probabilities` null empties the bars. */
export function showBars(list, contract, probabilities) {
  const order = contract.classes.map((_, i) => i);
  // Two classes keep their places; of many, the likeliest comes first.
  if (contract.classes.length > 2 && probabilities) order.sort((a, b) => probabilities[b] - probabilities[a]);
  else if (contract.positive !== null) order.sort((a, b) => positiveFirst(contract, a, b));
  list.replaceChildren(...order.map((i) => bar(contract, contract.classes[i], probabilities?.[i] ?? null)));
}

function positiveFirst(contract, a, b) {
  return (contract.classes[b] === contract.positive) - (contract.classes[a] === contract.positive);
}

function bar(contract, label, probability) {
  const threshold = label === contract.positive ? contract.threshold : null;
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

export function element(name, className, text = "") {
  const result = document.createElement(name);
  if (className) result.className = className;
  result.textContent = text;
  return result;
}

function svg(name, attributes) {
  const result = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) result.setAttribute(key, value);
  return result;
}
