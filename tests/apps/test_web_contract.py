"""What the web page makes of a json that its builder never saw: another server may hold anything."""

import json
import shutil
import subprocess

import pytest

from pipelines.common import web_page

pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs Node.js")

NAME = "melanoma_efficientnet_lite0_224"

# Puts each of some odd values at each place of a json, and uses what the page then offers.
FUZZ = """
import { readFileSync } from "node:fs";
const { Contract, defaultChoice } = await import(process.argv[1]);
const whole = JSON.parse(readFileSync(process.argv[2], "utf8"));
const ODD = [null, true, -1, 0.5, 1e21, "", "x", "../x", [], [1], ["a", "a"], [null], {}, { a: 1 }];
function* places(value, path = []) {
  yield path;
  if (typeof value !== "object" || value === null || path.length > 4) return;
  for (const key of Object.keys(value)) yield* places(value[key], [...path, key]);
}
function changed(path, odd) {
  const json = structuredClone(whole), last = path.at(-1);
  if (last === undefined) return odd;
  let inner = json;
  for (const key of path.slice(0, -1)) inner = inner[key];
  if (odd === undefined && !Array.isArray(inner)) delete inner[last];
  else inner[last] = odd ?? null;
  return json;
}
function use(contract) {
  for (const kind of contract.kinds) {
    contract.band(kind);
    contract.entry(kind);
    for (const [point] of contract.operatingPoints(kind)) contract.threshold(kind, point);
    if (/NaN|undefined|object/.test(contract.describe(kind))) throw new Error(contract.describe(kind));
  }
  const texts = [contract.label, contract.task, ...contract.classes.map((name) => contract.title(name))];
  if (texts.some((text) => typeof text !== "string")) throw new Error(`no texts: ${JSON.stringify(texts)}`);
  contract.headline(contract.classes.map(() => 0.5));
  defaultChoice([contract]);
}
const said = { tried: 0, refused: {}, broken: [] };
for (const path of places(whole)) {
  for (const odd of [...ODD, undefined]) {
    const place = `${path.join(".")} = ${JSON.stringify(odd)}`;
    said.tried++;
    let contract;
    try {
      contract = new Contract(changed(path, odd));
    } catch (error) {
      said.refused[place] = error.message;
      if (error.constructor !== Error) said.broken.push(`${place}: ${error.message}`);
      continue;
    }
    try {
      use(contract);
    } catch (error) {
      said.broken.push(`${place} passes, and then ${error.message}`);
    }
  }
}
console.log(JSON.stringify(said));
"""


@pytest.fixture(scope="module")
def said():
    page, contract = web_page.SOURCES / "page" / "contract.js", web_page.MODELS / f"{NAME}.json"
    command = ["node", "--input-type=module", "-e", FUZZ, page.as_uri(), contract]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_whatever_stands_anywhere_in_a_json_is_refused_in_a_sentence_or_can_be_used(said):
    assert said["tried"] > 5000
    assert said["broken"] == []
    assert all(sentence.endswith(".") and "\n" not in sentence for sentence in said["refused"].values())


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        (" = null", "its json is not an object."),
        ("input = null", "its json has null as input, not an object."),
        (
            "files.int8.sha256 = undefined",
            "its json has nothing as files.int8.sha256, not 64 hexadecimal digits.",
        ),
        ('files.int8.file = "../x"', "its file ../x is not a bare file name."),
        (
            'files.int8.strata.within_source.roc_auc = "x"',
            'its json has "x" as files.int8.strata.within_source.roc_auc, not a number.',
        ),
    ],
)
def test_the_sentence_says_where_and_what(said, place, sentence):
    assert said["refused"][place] == sentence
