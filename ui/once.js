// Does something in one tab only, when the page is open in several of a browser.

const KEY = "calldex-done";

/** How many things are remembered as done. */
const KEPT = 50;

/** Calls `act` unless this or another tab has done the thing of this name. */
export async function once(name, act) {
  if (!navigator.locks) return act();
  await navigator.locks.request(KEY, () => {
    const done = read();
    if (done.includes(name)) return;
    keep([...done, name].slice(-KEPT));
    act();
  });
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? [];
  } catch {
    return [];
  }
}

function keep(done) {
  try {
    localStorage.setItem(KEY, JSON.stringify(done));
  } catch {
    // A browser that keeps nothing: each tab does it.
  }
}
