// The pictures that someone kept, with time and score: in this browser's database, and nowhere else.

import { zip } from "./zip.js";

const STORE = "pictures";

function request(call) {
  return new Promise((resolve, reject) => {
    call.onsuccess = () => resolve(call.result);
    call.onerror = () => reject(new Error(`The browser does not keep pictures: ${call.error.message}`));
  });
}

async function store(mode) {
  const opening = indexedDB.open("skinkeras", 1);
  opening.onupgradeneeded = () =>
    opening.result.createObjectStore(STORE, { keyPath: "id", autoIncrement: true });
  const database = await request(opening);
  const transaction = database.transaction(STORE, mode);
  transaction.oncomplete = () => database.close();
  return transaction.objectStore(STORE);
}

/** Keeps { time, picture, seen, source, model, file, classes, titles, probabilities }; returns its id. */
export async function keep(entry) {
  // Asks the browser not to clear the database when the disk is full; it may say no.
  navigator.storage?.persist?.();
  return request((await store("readwrite")).add(entry));
}

/** All entries, the newest first. */
export async function kept() {
  return (await request((await store("readonly")).getAll())).reverse();
}

export async function remove(id) {
  return request((await store("readwrite")).delete(id));
}

export async function removeAll() {
  return request((await store("readwrite")).clear());
}

/** A zip archive of the pictures and scores.csv, one line a picture and class. */
export async function archive(entries) {
  const lines = ["picture,time,source,model_file,class,probability"];
  const files = [];
  for (const entry of [...entries].reverse()) {
    const name = fileName(entry);
    files.push({ name, time: entry.time, bytes: new Uint8Array(await entry.picture.arrayBuffer()) });
    entry.classes.forEach((label, i) => {
      const fields = [name, entry.time.toISOString(), entry.source, entry.file, label];
      lines.push([...fields.map(csvField), entry.probabilities[i].toFixed(6)].join(","));
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
