// Keeps the page for use without a network. Its own files are fetched at once; the variant of LiteRT.js that the
// browser runs is kept when it is first used, and worker.js keeps the models.

importScripts("files.js"); // BUILD: a digest, the page's own files, and the large ones

const PAGE = `page-${BUILD.digest}`;
const LARGE = "large"; // addresses that hold a version or a digest, and so never change

self.addEventListener("install", (event) => {
  event.waitUntil(keepPage());
});

async function keepPage() {
  const cache = await caches.open(PAGE);
  await cache.addAll(BUILD.files.map((file) => new Request(file, { cache: "no-cache" })));
  await self.skipWaiting();
}

self.addEventListener("activate", (event) => {
  event.waitUntil(takeOver());
});

async function takeOver() {
  for (const name of await caches.keys()) {
    if (name !== PAGE && name !== LARGE) await caches.delete(name);
  }
  const large = await caches.open(LARGE);
  const wanted = new Set(BUILD.large.map((file) => new URL(file, self.location.href).href));
  for (const request of await large.keys()) {
    if (!wanted.has(request.url)) await large.delete(request);
  }
  await self.clients.claim();
}

self.addEventListener("fetch", (event) => {
  const url = new URL(event.request.url);
  if (event.request.method === "GET" && url.origin === self.location.origin) {
    event.respondWith(answer(event));
  }
});

async function answer(event) {
  const { request } = event;
  const found = await caches.match(request);
  if (found) return found;
  const response = await fetch(request);
  if (response.ok && request.url.includes("/litert-")) event.waitUntil(keepLarge(request, response.clone()));
  return response;
}

async function keepLarge(request, response) {
  const cache = await caches.open(LARGE);
  await cache.put(request, response);
}
