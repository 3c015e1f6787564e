// The images that someone saved, with time and score: in this browser's database, and nowhere else.

import { zip } from "./zip.js";

const STORE = "pictures"; // this and the names of an entry's fields are in databases that exist already

function opened() {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open("skinkeras", 1);
    opening.onupgradeneeded = () =>
      opening.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(refusal(opening.error));
  });
}

function refusal(error) {
  if (error?.name === "QuotaExceededError") {
    return new Error("The browser has no room left for images: export them, then delete some.");
  }
  return new Error(`The browser cannot save images: ${error?.message || "it gives no reason"}`);
}

/** The result of `action(store)`, once it is on the disk: a request that went well is undone if that is full. */
async function inStore(mode, action) {
  const database = await opened();
  try {
    return await new Promise((resolve, reject) => {
      const transaction = database.transaction(STORE, mode);
      const request = action(transaction.objectStore(STORE));
      transaction.oncomplete = () => resolve(request.result);
      transaction.onabort = () => reject(refusal(transaction.error));
    });
  } finally {
    database.close();
  }
}

/** Saves { time, picture, seen, source, file, classes, titles, positive, probabilities, said, line }; returns its id. */
export async function save(entry) {
  // Asks the browser not to clear the database when the disk is full; it may say no.
  navigator.storage?.persist?.().catch(() => false);
  return inStore("readwrite", (store) => store.add(entry));
}

/** All entries, the newest first. */
export async function saved() {
  return (await inStore("readonly", (store) => store.getAll())).reverse();
}

export async function remove(id) {
  return inStore("readwrite", (store) => store.delete(id));
}

export async function removeAll() {
  return inStore("readwrite", (store) => store.clear());
}

/** A zip archive of the images and scores.csv, which has a line for each image and class. */
export async function archive(entries) {
  const lines = ["image,time,source,model_file,class,probability"];
  const files = [];
  for (const entry of [...entries].reverse()) {
    const name = fileName(entry);
    files.push({ name, time: entry.time, bytes: new Uint8Array(await entry.picture.arrayBuffer()) });
    entry.classes.forEach((label, i) => {
      const fields = [name, entry.time.toISOString(), entry.source, entry.file, label];
      // Empty where an entry has fewer probabilities than classes: the others are worth exporting all the same.
      lines.push([...fields.map(csvField), entry.probabilities[i]?.toFixed(6) ?? ""].join(","));
    });
  }
  const table = new TextEncoder().encode(`${lines.join("\n")}\n`);
  return zip([{ name: "scores.csv", time: new Date(), bytes: table }, ...files]);
}

function fileName(entry) {
  const suffix = { "image/jpeg": "jpg", "image/png": "png", "image/webp": "webp" }[entry.picture.type] ?? "bin";
  return `${String(entry.id).padStart(4, "0")}.${suffix}`;
}

function csvField(text) {
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
