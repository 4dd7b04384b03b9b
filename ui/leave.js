// Signing out, also without a connection: that it is wanted is kept in this browser, and sent before anything is shown.

import { request, Signed } from "./api.js";

const KEY = "calldex-sign-out";

/** In a browser that keeps nothing: until the page is closed. */
let wanted = false;

export function wantSignOut() {
  try {
    localStorage.setItem(KEY, "wanted");
  } catch {
    wanted = true;
  }
}

export function isSignOutWanted() {
  try {
    return localStorage.getItem(KEY) !== null || wanted;
  } catch {
    return wanted;
  }
}

/** Calls `act` when another tab wants to sign out, and when it has. */
export function onSignOut(act) {
  addEventListener("storage", (event) => event.key === KEY && act());
}

/** Signs out where that is wanted, and says whether it was; fails when calldex does not answer. */
export async function settleSignOut() {
  if (!isSignOutWanted()) return false;
  try {
    // The state brings what a change has to carry.
    await request("GET", "/agent/state");
    await request("DELETE", "/agent/session");
  } catch (failure) {
    if (!(failure instanceof Signed) && failure.status !== 401) throw failure;
  }
  wanted = false;
  try {
    localStorage.removeItem(KEY);
  } catch {
    // It was never kept.
  }
  return true;
}
