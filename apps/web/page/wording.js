// What the page says about an image and its score, in words that leave the decision where it belongs.

import { percent } from "./contract.js";

const UNDECIDED = 0.5;

export const PROBLEMS = {
  dark: "Too dark to score: add more light.",
  bright: "Too bright to score: avoid glare, or use less light.",
  blurred: "Too blurred to score: hold still, or change the distance.",
};

/** { verdict, explanation } of the probabilities that a file of a model gave. */
export function wording(contract, kind, probabilities) {
  const index = contract.headline(probabilities);
  const probability = probabilities[index];
  const title = contract.title(contract.classes[index]);
  const { verdict, explanation } = contract.positive === null
    ? rankingWording(title, probability)
    : binaryWording(contract, kind, title, probability);
  return { verdict, explanation: `${explanation} ${contract.reliability(kind, probability)}`.trim() };
}

function rankingWording(title, probability) {
  if (probability < UNDECIDED) {
    return {
      verdict: `Undecided: ${title} ${percent(probability)}`,
      explanation: "No class reaches 50\u00a0%. The model has no threshold.",
    };
  }
  return {
    verdict: `${title} ${percent(probability)}`,
    explanation: "The class that the model finds most likely. It has no threshold and knows only these classes.",
  };
}

function binaryWording(contract, kind, title, probability) {
  const threshold = contract.threshold(kind);
  const explanation = probability >= threshold
    ? `At ${percent(threshold)} or more, the model calls an image ${contract.positive}. It is often wrong.`
    : `Below the model's threshold of ${percent(threshold)}. That does not mean that the lesion is harmless.`;
  return { verdict: `${title} ${percent(probability)}`, explanation };
}
