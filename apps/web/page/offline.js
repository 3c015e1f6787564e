// Use without a network: registers the service worker, which keeps the page, and tells what is kept.

const PATIENCE_MS = 20_000; // the page itself is small; a network this slow keeps the rest at the next visit
const LOOK_EVERY_MS = 500;

/**
 * Resolves once everything that the page loads passes through the service worker, so that it is kept; with
 * false where there is none, as over plain http from another machine.
 * @param {() => void} renewed called when a newer build of the page has taken over
 */
export async function keepForOffline(renewed) {
  if (!navigator.serviceWorker) return false;
  try {
    const visited = Boolean(navigator.serviceWorker.controller);
    const changed = new Promise((resolve) => {
      navigator.serviceWorker.addEventListener("controllerchange", () => {
        resolve(true);
        if (visited) renewed();
      });
    });
    const registration = await navigator.serviceWorker.register("sw.js", { updateViaCache: "none" });
    // One that is active and controls nothing was passed over by a forced reload.
    if (visited || registration.active) return visited;
    const patience = new Promise((resolve) => setTimeout(resolve, PATIENCE_MS, false));
    return await Promise.race([changed, failed(registration.installing), patience]);
  } catch {
    return false; // the page works without
  }
}

/** Resolves with false when a service worker gives up, as on a full disk. */
function failed(worker) {
  return new Promise((resolve) => {
    worker?.addEventListener("statechange", () => worker.state === "redundant" && resolve(false));
  });
}

/** Whether the browser has kept all these addresses; the service worker may still be writing the last. */
export async function areKept(addresses, patienceMs = PATIENCE_MS) {
  for (let waited = 0; waited < patienceMs; waited += LOOK_EVERY_MS) {
    try {
      const found = await Promise.all(addresses.map((address) => caches.match(address)));
      if (found.every(Boolean)) return true;
    } catch {
      return false; // the browser keeps nothing
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
  }
  return false;
}
