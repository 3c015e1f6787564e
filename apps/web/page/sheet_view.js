// The sheet of kept pictures, as the page shows it.

import { element } from "./answer_view.js";
import { percent } from "./contract.js";
import { archive, kept, remove, removeAll } from "./sheet.js";

/** Shows the sheet in the page; `failed` is told what goes wrong. Returns the function that shows it anew. */
export function sheetView(byId, failed) {
  const list = byId("sheet");
  let addresses = [];

  async function show() {
    const entries = await kept();
    for (const address of addresses) URL.revokeObjectURL(address);
    addresses = [];
    list.replaceChildren(...entries.map(item));
    byId("sheet-empty").hidden = entries.length > 0;
    byId("export").hidden = byId("delete-all").hidden = entries.length === 0;
  }

  function item(entry) {
    const result = element("li", "");
    const picture = element("img", "");
    picture.src = URL.createObjectURL(entry.seen);
    addresses.push(picture.src);
    const time = entry.time.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
    picture.alt = `Picture of ${time}`;
    const best = entry.probabilities.indexOf(Math.max(...entry.probabilities));
    const shown = entry.positive === null ? best : entry.classes.indexOf(entry.positive);
    const score = entry.probabilities[shown];
    const facts = element("div", "");
    facts.append(
      element("p", "picture-score", `${entry.titles[shown] ?? "?"} ${score === undefined ? "?" : percent(score)}`),
      element("p", "picture-facts", time),
      element("p", "picture-facts", entry.file.replace(/\.tflite$/, "").replaceAll("_", "_\u200b")),
    );
    const button = element("button", "quiet", "Delete");
    button.setAttribute("aria-label", `Delete the picture of ${time}`);
    button.onclick = guarded(async () => {
      await remove(entry.id);
      await show();
      byId("sheet-title").focus();
    });
    result.append(picture, facts, button);
    return result;
  }

  const guarded = (action) => () => action().catch(failed);

  byId("export").onclick = guarded(async () => {
    const link = element("a", "");
    link.href = URL.createObjectURL(await archive(await kept()));
    link.download = "skinkeras-sheet.zip";
    link.click();
    // The browser reads the archive after this; a minute is ample.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  });
  byId("delete-all").onclick = () => byId("confirm").showModal();
  byId("confirm").onclose = guarded(async () => {
    if (byId("confirm").returnValue !== "delete") return;
    byId("confirm").returnValue = "";
    await removeAll();
    await show();
  });
  byId("sheet-title").tabIndex = -1;
  return show;
}
