// What a model's json must hold wherever the page reads it. The page's builder holds it against the whole schema; but any
// server may serve this page with other models.

const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
const isText = (value) => typeof value === "string";
const isNumber = (value) => typeof value === "number";
const isListOf = (is) => (value) => Array.isArray(value) && value.every(is);

const AN_OBJECT = [isObject, "an object"], A_TEXT = [isText, "a text"], A_NUMBER = [isNumber, "a number"];
const A_LIST = [Array.isArray, "a list"], TEXTS = [isListOf(isText), "a list of texts"];
const NUMBERS = [isListOf(isNumber), "a list of numbers"];
const A_DIGEST = [(value) => isText(value) && /^[0-9a-f]{64}$/.test(value), "64 hexadecimal digits"];
const A_SIZE = [(value) => Number.isInteger(value) && value > 0, "a number of bytes"];

// Place: what is there. What ends with a question mark may be missing, or null; * is each entry.
const FORM = {
  "name": A_TEXT,
  "task": A_TEXT,
  "input": AN_OBJECT,
  "input.shape": NUMBERS,
  "output": AN_OBJECT,
  "output.shape": NUMBERS,
  "classes": TEXTS,
  "class_titles?": AN_OBJECT,
  "class_titles?.*": A_TEXT,
  "malignancy?": AN_OBJECT,
  "target?": AN_OBJECT,
  "target?.title?": A_TEXT,
  "target?.not_looked_for?": TEXTS,
  "files": AN_OBJECT,
  "files.*": AN_OBJECT,
  "files.*.sha256": A_DIGEST,
  "files.*.size_bytes": A_SIZE,
  "files.*.operating_points?": AN_OBJECT,
  "files.*.test?": AN_OBJECT,
  "files.*.test?.n?": A_NUMBER,
  "files.*.test?.roc_auc?": A_NUMBER,
  "files.*.test?.balanced_accuracy?": A_NUMBER,
  "files.*.test?.miss_rate?": A_NUMBER,
  "files.*.test?.false_alarm_rate?": A_NUMBER,
  "files.*.test?.per_class?": AN_OBJECT,
  "files.*.test?.per_class?.*?": AN_OBJECT,
  "files.*.test?.per_class?.*?.recall?": A_NUMBER,
  "files.*.test?.operating_points?": AN_OBJECT,
  "files.*.test?.operating_points?.*?": AN_OBJECT,
  "files.*.test?.operating_points?.*?.miss_rate?": A_NUMBER,
  "files.*.test?.operating_points?.*?.false_alarm_rate?": A_NUMBER,
  "files.*.test?.reliability?": A_LIST,
  "files.*.test?.reliability?.*": AN_OBJECT,
  "files.*.test?.reliability?.*.low": A_NUMBER,
  "files.*.test?.reliability?.*.high": A_NUMBER,
  "files.*.test?.reliability?.*.n": A_NUMBER,
  "files.*.test?.reliability?.*.share": A_NUMBER,
  "files.*.strata?": AN_OBJECT,
  "files.*.strata?.within_source?": AN_OBJECT,
  "files.*.strata?.within_source?.roc_auc?": A_NUMBER,
  "files.*.strata?.within_source?.malignant_recall?": A_NUMBER,
  "files.*.strata?.within_source?.benign_recall?": A_NUMBER,
  "files.*.golden?": AN_OBJECT,
  "files.*.golden?.tolerance": A_NUMBER,
  "files.*.golden?.pictures": A_LIST,
  "files.*.golden?.pictures.*": AN_OBJECT,
  "files.*.golden?.pictures.*.name": A_TEXT,
  "files.*.golden?.pictures.*.probabilities": NUMBERS,
};

/** The first thing that the page would misread, as a sentence; undefined if there is none. */
export function misformed(json) {
  if (!isObject(json)) return "its json is not an object.";
  for (const [place, [is, what]] of Object.entries(FORM)) {
    for (const [path, value] of valuesAt(json, place.split("."), [])) {
      if (!is(value)) return `its json has ${JSON.stringify(value)?.slice(0, 60) ?? "nothing"} as ${path.join(".")}, not ${what}.`;
    }
  }
  return undefined;
}

/** [path, value] of everything at a place, whose containers have been found to be objects and lists before. */
function* valuesAt(value, [step, ...rest], path) {
  if (step === undefined) {
    yield [path, value];
    return;
  }
  const name = step.replace("?", "");
  for (const key of name === "*" ? Object.keys(value) : [name]) {
    const member = Object.hasOwn(value, key) ? value[key] : undefined;
    if (step.endsWith("?") && (member ?? null) === null) continue;
    yield* valuesAt(member, rest, [...path, key]);
  }
}
