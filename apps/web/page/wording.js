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

/** { verdict, explanation } of the probabilities that a file of a model gave; `point` null is the model's own line. */
export function wording(contract, kind, probabilities, point = null) {
  const { verdict, explanation } = briefWording(contract, kind, probabilities, point);
  const worth = reliability(contract, kind, probabilities[contract.headline(probabilities)]);
  return { verdict, explanation: `${explanation} ${worth}`.trim() };
}

/** The same without how often such a score was right. */
export function briefWording(contract, kind, probabilities, point = null) {
  if (contract.positive === null) return ranked(contract, probabilities);
  const probability = probabilities[contract.headline(probabilities)];
  const threshold = contract.threshold(kind, point), band = contract.band(kind, point);
  if (band && isReached(probability, band.low) && !isReached(probability, band.high)) {
    return undecided(contract, threshold, band, probability);
  }
  return decided(contract, threshold, probability);
}

/** In float32, as the models compute. */
function isReached(probability, threshold) {
  return Math.fround(probability) >= Math.fround(threshold);
}

function decided(contract, threshold, probability) {
  const facts = words("score_and_line", scoreAndLine(probability, threshold));
  const reached = isReached(probability, threshold);
  return {
    verdict: words(reached ? "above" : "below", { target: targetTitle(contract) }),
    explanation: `${facts} ${reached ? words("often_wrong") : lowScoreNote(contract)}`,
  };
}

function undecided(contract, threshold, band, probability) {
  const facts = words("score_and_line", scoreAndLine(probability, threshold));
  return {
    verdict: words("not_sure", { target: targetTitle(contract) }),
    explanation: `${facts} ${bandText(band)} ${lowScoreNote(contract)}`,
  };
}

/** Which scores are left undecided; `band` is what `Contract.band` returned. */
export function bandText({ low, high }) {
  return words("not_sure_band", { low: fixed(100 * low), high: fixed(Math.min(100 * high, 100)) });
}

/** [{ point, title }] of the operating points of a file, the model's own line (null) first; empty without a line. */
export function operatingPoints(contract, kind) {
  if (contract.positive === null) return [];
  const others = [...contract.operatingPoints(kind)].map(([point, line]) => ({ point, title: pointTitle(point, line) }));
  return [{ point: null, title: words("own_line") }, ...others];
}

function pointTitle(name, threshold) {
  const end = name.lastIndexOf("_");
  const kind = name.slice(0, Math.max(end, 0)), number = name.slice(end + 1);
  if (kind === "fixed") return words("point_fixed", { line: fixed(100 * threshold) });
  if (`point_${kind}` in WORDS) return words(`point_${kind}`, { number });
  return name === "balanced_accuracy" ? words("point_balanced_accuracy") : name.replaceAll("_", " ");
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

/**
 * How often the file was wrong on its test images; empty where its json does not say. At the model's own line within a
 * clinic, where that is known: pooled figures mostly tell clinics apart.
 */
export function limits(contract, kind, point = null) {
  const { test = {}, strata } = contract.json.files[kind];
  const images = test.n == null ? words("images_uncounted") : words("images", { n: counted(test.n) });
  if (contract.positive === null) return rankedLimits(contract, test, images);
  const { malignant_recall: found, benign_recall: cleared } = strata?.within_source ?? {};
  const isWithin = point === null && found != null && cleared != null;
  const pooled = point === null ? test : test.operating_points?.[point];
  const missed = isWithin ? 1 - found : pooled?.miss_rate, flagged = isWithin ? 1 - cleared : pooled?.false_alarm_rate;
  if (missed == null || flagged == null) return "";
  return words(isWithin ? "limits_within_clinic" : "limits", {
    images,
    missed: percentText(missed),
    flagged: percentText(flagged),
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
