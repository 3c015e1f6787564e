// The saved images, as the page shows them.

import { byId, element } from "./dom.js";
import { guarded } from "./messages.js";
import { archive, remove, removeAll, saved } from "./saved_images.js";
import { scoreText, words } from "./wording.js";

let addresses = []; // of what is shown

/** Shows what is saved now. */
export async function showSaved() {
  const entries = await saved();
  for (const address of addresses) URL.revokeObjectURL(address);
  addresses = [];
  byId("saved").replaceChildren(...entries.map(item));
  byId("saved-empty").hidden = entries.length > 0;
  byId("export").hidden = byId("delete-all").hidden = entries.length === 0;
}

function item(entry) {
  const time = entry.time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
  const image = element("img", "");
  image.src = URL.createObjectURL(entry.seen);
  addresses.push(image.src);
  image.alt = `Image of ${time}`;
  const { verdict, explanation } = saidOf(entry);
  const facts = element("div", "");
  facts.append(
    element("p", "saved-score", verdict),
    element("p", "saved-facts", explanation),
    ...(entry.line ? [element("p", "saved-facts", entry.line)] : []),
    element("p", "saved-facts", time),
    element("p", "saved-facts", entry.file.replace(/\.tflite$/, "").replaceAll("_", "_\u200b")),
  );
  const button = element("button", "quiet", "Delete");
  button.setAttribute("aria-label", `Delete the image of ${time}`);
  button.onclick = guarded(async () => {
    await remove(entry.id);
    await showSaved();
    byId("saved-title").focus();
  });
  const result = element("li", "");
  result.append(image, facts, button);
  return result;
}

/** { verdict, explanation } as they were when the image was saved; earlier versions of the page did not keep them. */
function saidOf({ said, positive, classes, titles, probabilities }) {
  if (said) return said;
  const index = positive === null ? probabilities.indexOf(Math.max(...probabilities)) : classes.indexOf(positive);
  const title = titles[index] ?? "?";
  const target = positive === null ? title : words("unnamed_target", { class: title });
  const score = probabilities[index] === undefined ? "?" : scoreText(probabilities[index]);
  return { verdict: `${words("score_for", { target })}: ${score}`, explanation: words("low_score") };
}

byId("export").onclick = guarded(async () => {
  const link = element("a", "");
  link.href = URL.createObjectURL(await archive(await saved()));
  link.download = "skinkeras-images.zip";
  link.click();
  // The browser reads the archive after this; a minute is ample.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
});
byId("delete-all").onclick = () => byId("confirm").showModal();
byId("confirm").onclose = guarded(async () => {
  if (byId("confirm").returnValue !== "delete") return;
  byId("confirm").returnValue = "";
  await removeAll();
  await showSaved();
});
