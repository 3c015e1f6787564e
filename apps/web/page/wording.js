// What the page says about an image and its score: the sentences of words.js, which is made from
// skinkeras/tflite/wording.json, filled in by the rules of skinkeras/tflite/wording.py.

import WORDS from "./words.js";

const MOST_DIGITS = 3;
// A class with less than half of the probability has the others together against it.
const HALF = 0.5;
const MARKS = ["malignant", "premalignant"];

/** A sentence with its placeholders filled in. */
export function words(name, facts = {}) {
  return WORDS[name].replace(/\{(\w+)\}/g, (_, key) => facts[key]);
}

/** { verdict, explanation } of the probabilities that a file of a model gave. */
export function wording(contract, kind, probabilities) {
  const { verdict, explanation } = briefWording(contract, kind, probabilities);
  const worth = reliability(contract, kind, probabilities[contract.headline(probabilities)]);
  return { verdict, explanation: `${explanation} ${worth}`.trim() };
}

/** The same without how often such a score was right. */
export function briefWording(contract, kind, probabilities) {
  if (contract.positive === null) return ranked(contract, probabilities);
  return decided(contract, contract.threshold(kind), probabilities[contract.headline(probabilities)]);
}

function decided(contract, threshold, probability) {
  const facts = words("score_and_line", scoreAndLine(probability, threshold));
  // In float32, as the models compute.
  const reached = Math.fround(probability) >= Math.fround(threshold);
  return {
    verdict: words(reached ? "above" : "below", { target: targetTitle(contract) }),
    explanation: `${facts} ${reached ? words("often_wrong") : lowScoreNote(contract)}`,
  };
}

function lowScoreNote(contract) {
  const others = contract.json.target?.not_looked_for ?? [];
  if (others.length === 0) return words("low_score");
  return `${words("not_looked_for", { others: others.join(" or ") })} ${words("low_score")}`;
}

function ranked(contract, probabilities) {
  const [first, second] = [...probabilities].sort((a, b) => b - a);
  const title = markedTitle(contract, contract.classes[probabilities.indexOf(first)]);
  const facts = { n: probabilities.length, class: title, score: scoreText(first) };
  return {
    // Of two classes with the same probability, the order of the classes would choose.
    verdict: first < HALF || first === second ? words("undecided") : words("highest", { class: title }),
    explanation: `${words("ranked", facts)} ${words("only_these")}`,
  };
}

/** What a model with a threshold looks for, as a noun. */
export function targetTitle(contract) {
  return contract.json.target?.title ?? words("unnamed_target", { class: contract.title(contract.positive) });
}

/** "malignant" or "pre-malignant or in situ"; empty for a benign class, and where the json does not say. */
export function markOf(contract, name) {
  const malignancy = contract.json.malignancy?.[name];
  return MARKS.includes(malignancy) ? words(malignancy) : "";
}

function markedTitle(contract, name) {
  const mark = markOf(contract, name);
  return mark ? words("marked_class", { class: contract.title(name), mark }) : contract.title(name);
}

/** A probability as a score of 100: never a 0 or 100 that may be due to rounding. */
export function scoreText(probability, digits = 0) {
  const unit = 10 ** -digits;
  if (100 * probability < unit) return words("under", { bound: fixed(unit, digits) });
  if (100 * probability > 100 - unit) return words("over", { bound: fixed(100 - unit, digits) });
  return fixed(100 * probability, digits);
}

/** { score, line }, with as few digits as show on which side of the model's line the score is. */
export function scoreAndLine(probability, threshold) {
  const onTheLine = Math.fround(probability) === Math.fround(threshold);
  let digits, line;
  for (digits = 0; digits <= MOST_DIGITS; digits++) {
    line = fixed(100 * threshold, digits);
    if ([0, 100].includes(Number(line))) continue;
    if (fixed(100 * probability, digits) !== line || onTheLine) break;
  }
  return { score: scoreText(probability, Math.min(digits, MOST_DIGITS)), line };
}

/** A share as a percentage without false precision. */
export function percentText(share) {
  const number = share === 0 || share === 1 ? String(100 * share) : scoreText(share);
  return words("percent", { number }).replace(" %", "\u00a0%");
}

/** How often such a score was right on the file's test images; empty where its json does not say. */
export function reliability(contract, kind, probability) {
  const rows = contract.json.files[kind].test?.reliability ?? [];
  const row = rows.find(({ low, high }) => probability >= low && (probability < high || high === 1));
  if (row === undefined) return "";
  const facts = {
    n: counted(row.n),
    low: fixed(100 * row.low),
    high: fixed(100 * row.high),
    share: percentText(row.share),
  };
  if (contract.positive === null) return words("ranked_reliability", facts);
  return words("reliability", { ...facts, target: targetTitle(contract) });
}

/** How often the file was wrong on its test images; empty where its json does not say. */
export function limits(contract, kind) {
  const test = contract.json.files[kind].test ?? {};
  const images = test.n == null ? words("images_uncounted") : words("images", { n: counted(test.n) });
  if (contract.positive === null) return rankedLimits(contract, test, images);
  if (test.miss_rate == null || test.false_alarm_rate == null) return "";
  return words("limits", {
    images,
    missed: percentText(test.miss_rate),
    flagged: percentText(test.false_alarm_rate),
    target: targetTitle(contract),
  });
}

function rankedLimits(contract, test, images) {
  if (test.balanced_accuracy == null) return "";
  const said = words("ranked_limits", { images, right: percentText(test.balanced_accuracy) });
  const measured = contract.classes.filter((name) => test.per_class?.[name]?.recall != null);
  if (measured.length === 0) return said;
  const recall = (name) => test.per_class[name].recall;
  const worst = measured.reduce((best, name) => (recall(name) < recall(best) ? name : best));
  return `${said} ${words("worst_class", { class: contract.title(worst), right: percentText(recall(worst)) })}`;
}

function counted(n) {
  return n.toLocaleString("en");
}

/** Rounded half up: the same digits as in Python and Kotlin. */
function fixed(value, digits = 0) {
  const units = Math.floor(value * 10 ** digits + 0.5);
  if (digits === 0) return String(units);
  const scale = 10 ** digits;
  return `${Math.floor(units / scale)}.${String(units % scale).padStart(digits, "0")}`;
}
