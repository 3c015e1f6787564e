// The page: how it begins, and what each button does.

import { showAnswerAgain } from "./answer_view.js";
import { readContracts } from "./contract.js";
import { byId } from "./dom.js";
import { toggleHeatMap } from "./heat_view.js";
import { startCamera, watch } from "./live.js";
import { announce, guarded, hideError, showError, showStatus } from "./messages.js";
import { fillChoice, fillKinds } from "./model_choice.js";
import { loadModel, moveLine } from "./model_loader.js";
import { areKept, keepForOffline } from "./offline.js";
import { showSaved } from "./saved_view.js";
import { offerSaving, saveStill } from "./saving.js";
import { viewer } from "./state.js";
import { drawStill, freeze, openFile, scoreAnyway, scoreStill } from "./still.js";
import { emptyViewer, frameViewer, isLive } from "./viewer.js";

let folder; // of LiteRT.js
let models = [];

/** Loads the chosen model, and scores what is in view; resolves as `loadModel` does. */
async function changeModel() {
  const needed = await loadModel(models, folder);
  frameViewer();
  if (viewer.still) {
    drawStill();
    scoreStill().catch(showError);
  } else if (isLive()) {
    watch().catch(showError);
  }
  return needed;
}

/** Shows the present answer at the chosen operating point. */
function changePoint() {
  moveLine(models);
  const said = showAnswerAgain();
  offerSaving(); // what was saved says something else
  if (said) announce(`${said.verdict}. ${said.explanation}`);
}

async function begin() {
  const offline = await keepForOffline(() => {
    byId("offline").textContent = "A new version of this page is available: reload it.";
  });
  const contracts = await readContracts();
  ({ folder, models } = contracts);
  if (models.length === 0) throw new Error("The page was built without a model that it can run.");
  await fillChoice(models, folder);
  const loading = changeModel();
  byId("camera").disabled = byId("choose").disabled = false; // the contract is there; scores follow the model
  const needed = await loading;
  if (contracts.problems.length > 0) showError(new Error(contracts.problems.join(" ")));
  if (offline && needed.length > 0 && (await areKept(needed))) {
    byId("offline").textContent += " It works offline now.";
  }
}

byId("video").onresize = frameViewer;
byId("camera").onclick = guarded(() => startCamera());
byId("cameras").onchange = guarded(() => startCamera(byId("cameras").value));
byId("freeze").onclick = guarded(freeze);
byId("stop").onclick = () => {
  emptyViewer();
  byId("camera").focus();
};
byId("choose").onclick = () => byId("file").click();
byId("file").onchange = guarded(async () => {
  const [file] = byId("file").files;
  byId("file").value = ""; // the same file again is a change, too
  await openFile(file);
});
byId("force").onclick = guarded(scoreAnyway);
byId("heatmap").onclick = guarded(toggleHeatMap);
byId("save").onclick = guarded(saveStill);
byId("model").onchange = guarded(() => {
  fillKinds(models);
  return changeModel();
});
byId("point").onchange = changePoint;
byId("kind").onchange = byId("backend").onchange = guarded(changeModel);
byId("error-close").onclick = hideError;

document.ondragover = (event) => {
  event.preventDefault();
  byId("viewer").classList.add("dropping");
};
document.ondragleave = (event) => {
  if (!event.relatedTarget) byId("viewer").classList.remove("dropping");
};
document.ondrop = guarded(async (event) => {
  event.preventDefault();
  byId("viewer").classList.remove("dropping");
  await openFile(event.dataTransfer.files[0]);
});
document.onpaste = guarded((event) => openFile(event.clipboardData.files[0]));

window.onbeforeinstallprompt = (prompt) => {
  prompt.preventDefault();
  byId("install").hidden = false;
  byId("install").onclick = guarded(async () => {
    await prompt.prompt();
    byId("install").hidden = true;
  });
};

showSaved().catch(showError);
begin().catch((error) => {
  showStatus("Not started");
  byId("loading").hidden = true;
  showError(error);
});
