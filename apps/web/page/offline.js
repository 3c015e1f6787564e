// Registers the service worker, which keeps the page for use without a network.

const PATIENCE_MS = 20_000; // the page itself is small; a network this slow keeps the rest at the next visit

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
    return await Promise.race([changed, patience]);
  } catch {
    return false; // the page works without
  }
}
