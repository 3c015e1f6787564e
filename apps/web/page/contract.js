// What a model's json promises, checked before anything relies on it. See tflite_models/README.md.

import { misformed } from "./contract_form.js";
import { GEOMETRIES } from "./preprocess.js";

const SCHEMA_VERSION = 1;
const KINDS = ["int8", "float16", "float32"]; // smallest first
const KIND_TITLES = { int8: "8-bit integers", float16: "16-bit floats", float32: "32-bit floats" };

/** Reads the models that the page was built with: { folder, models: Contract[], problems: string[] }. */
export async function readContracts() {
  const { folder } = await readJson("runtime.json");
  const { models: names } = await readJson("models.json");
  const models = [], problems = [];
  for (const name of names) {
    try {
      models.push(new Contract(await readJson(`models/${name}.json`)));
    } catch (error) {
      problems.push(`The model ${name} cannot be offered: ${error.message}`);
    }
  }
  return { folder, models, problems };
}

async function readJson(path) {
  const response = await fetch(path);
  if (!response.ok) throw new Error(`${path} is not on the server (status ${response.status}).`);
  return response.json();
}

const BARE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

export class Contract {
  constructor(json) {
    const wrong = misformed(json);
    refuseUnless(wrong === undefined, wrong);
    refuseUnless(json.schema_version === undefined || json.schema_version === SCHEMA_VERSION,
      `its json has schema_version ${json.schema_version}, but this page reads ${SCHEMA_VERSION}.`);
    const shape = json.input.shape;
    refuseUnless(shape.length === 4 && shape[0] === 1 && shape[1] === shape[2] && shape[3] === 3,
      `its input has shape ${shape}, but the page needs one square RGB image.`);
    refuseUnless(json.input.dtype === "float32" && json.output.dtype === "float32",
      `it takes ${json.input.dtype} and gives ${json.output.dtype}, but the page needs float32.`);
    const geometry = json.input.geometry ?? "crop"; // earlier jsons name none
    refuseUnless(GEOMETRIES.includes(geometry), `its geometry ${geometry} is none that this page knows.`);
    refuseUnless(json.output.shape[1] === json.classes.length,
      `it has ${json.classes.length} classes but an output of shape ${json.output.shape}.`);
    refuseUnless(json.positive_class == null || json.classes.includes(json.positive_class),
      `its positive class ${json.positive_class} is not one of its classes.`);
    refuseUnless(json.positive_class == null || isThreshold(json.threshold),
      `its threshold ${json.threshold} is not between 0 and 1.`);
    this.json = json;
    this.name = json.name;
    this.task = json.task;
    this.size = shape[1];
    this.geometry = geometry;
    this.classes = json.classes;
    this.positive = json.positive_class ?? null;
    this.synthetic = json.synthetic === true;
    // Of a file that is not shipped the json has the figures alone.
    this.kinds = KINDS.filter((kind) => kind in json.files && json.files[kind].shipped !== false);
    refuseUnless(this.kinds.length > 0, "its json names no file that a browser can run.");
    for (const kind of this.kinds) checkFile(kind, json.files[kind]);
  }

  /**
   * The threshold of a file at an operating point; null stands for the model's own line, which is the file's threshold
   * or else the model's. Null for a model without a positive class.
   */
  threshold(kind, point = null) {
    if (this.positive === null) return null;
    if (point !== null) return this.json.files[kind].operating_points[point];
    return this.json.files[kind].threshold ?? this.json.threshold;
  }

  /** Map from name to threshold of the operating points that a file offers, all but the model's own line. */
  operatingPoints(kind) {
    const own = this.threshold(kind);
    if (own === null) return new Map();
    const points = Object.entries(this.json.files[kind].operating_points ?? {});
    return new Map(points.filter(([, threshold]) => threshold !== own));
  }

  /** { low, high } of the scores that a file leaves undecided at an operating point; null where there are none. */
  band(kind, point = null) {
    if (this.positive === null || point !== null) return null; // chosen around the model's own line
    const [low, high] = this.json.files[kind].not_sure ?? [0, 0];
    return low < high ? { low, high } : null;
  }

  title(name) {
    return this.json.class_titles?.[name] ?? name;
  }

  /** Index of the class that an answer is about: the positive one, or else the likeliest. */
  headline(probabilities) {
    if (this.positive !== null) return this.classes.indexOf(this.positive);
    return probabilities.indexOf(Math.max(...probabilities));
  }

  /** What worker.js needs to load a file. The digest in the address makes a changed file another one. */
  entry(kind) {
    const { file, sha256, size_bytes: bytes, golden } = this.json.files[kind];
    const url = `models/${file}?sha256=${sha256.slice(0, 16)}`;
    const { size, geometry } = this;
    return { name: file, url, sha256, bytes, size, geometry, classes: this.classes.length, golden };
  }

  /** The model's name, as the list of models has it. */
  get label() {
    return this.synthetic ? `${this.name} (trained on synthetic images)` : this.name;
  }

  /** A file in a few words, with its AUC: within a clinic, if known, because a pooled one mostly tells clinics apart. */
  describe(kind) {
    const { size_bytes: bytes, test, strata } = this.json.files[kind];
    const within = strata?.within_source?.roc_auc, pooled = test?.roc_auc;
    let auc = "";
    if (within != null) auc = `, AUC ${within.toFixed(3)} within a clinic`;
    else if (pooled != null) auc = `, AUC ${pooled.toFixed(3)} pooled`;
    return `${KIND_TITLES[kind]}, ${(bytes / 1e6).toFixed(1)} MB${auc}`;
  }
}

/** The file to begin with: the smallest of a model that has a threshold, so that the first visit is short. */
export function defaultChoice(models) {
  const choices = models.flatMap((model) => model.kinds.map((kind) => ({ model, kind })));
  const rank = ({ model, kind }) => [model.positive === null ? 1 : 0, model.json.files[kind].size_bytes];
  return choices.sort((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1])[0];
}

function checkFile(kind, { file, threshold, operating_points: points, not_sure: band }) {
  refuseUnless(typeof file === "string" && BARE_NAME.test(file), `its file ${file} is not a bare file name.`);
  refuseUnless(threshold == null || isThreshold(threshold),
    `the threshold ${threshold} of its file ${kind} is not between 0 and 1.`);
  for (const [name, value] of Object.entries(points ?? {})) {
    refuseUnless(isThreshold(value), `the threshold ${value} of the operating point ${name} of its file ${kind} is not ` +
      "between 0 and 1.");
  }
  refuseUnless(band == null || isBand(band),
    `not_sure of its file ${kind} is ${JSON.stringify(band)}, but must be two scores, the lower one first.`);
}

// The upper end does not belong to the band: it is above 1 where a score of 1 does.
function isBand(band) {
  if (!Array.isArray(band) || band.length !== 2 || !band.every((value) => typeof value === "number")) return false;
  return 0 <= band[0] && band[0] <= band[1] && band[1] <= 1.01;
}

function isThreshold(value) {
  return typeof value === "number" && value > 0 && value < 1;
}

function refuseUnless(condition, sentence) {
  if (!condition) throw new Error(sentence);
}
