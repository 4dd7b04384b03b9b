// The agents' page: signs in, listens, and keeps one card for each call. What a caller or a CRM says is only ever text.

import { reasonOf, request, Signed } from "./api.js";
import { CardList } from "./cards.js";
import { ContactSheet } from "./contact.js";
import { callRow, replaceRows } from "./calls.js";
import { isSignOutWanted, onSignOut, settleSignOut, wantSignOut } from "./leave.js";
import { Settings } from "./settings.js";
import { giveUp, Stream } from "./stream.js";
import { loadTexts, say, translate } from "./texts.js";

const page = (id) => document.getElementById(id);

const settings = new Settings();
let stream = null;
let cards = null;
let sheet = null;
let calls = [];
let again;

/** Most calls in the list of earlier ones. */
const MOST_CALLS = 50;

/** Asks again after this long when calldex does not answer, in milliseconds. */
const AGAIN = 3000;

async function start() {
  await loadTexts(settings.language);
  translate(document);
  settings.show(refresh);
  page("sign-in-form").addEventListener("submit", signIn);
  page("invite-form").addEventListener("submit", acceptInvite);
  page("sign-out").addEventListener("click", signOut);
  page("open-password").addEventListener("click", openPassword);
  page("password-cancel").addEventListener("click", () => page("password").close());
  page("password-form").addEventListener("submit", savePassword);
  onSignOut(enter);
  if (linkOf()) {
    showSignIn("invite");
    return;
  }
  await enter();
}

/** The secret of a personal link; behind the # it leaves the browser in no request. */
function linkOf() {
  return location.pathname.endsWith("/invite") && location.hash.length > 1 ? location.hash.slice(1) : null;
}

/** Shows the desk when there is a session, else the form. */
async function enter() {
  clearTimeout(again);
  try {
    if (await settleSignOut()) showSignIn("form");
    else showDesk(await request("GET", "/agent/state"));
  } catch (failure) {
    if (failure instanceof Signed) return showSignIn("form");
    if (page("sign-in").hidden) {
      if (isSignOutWanted()) showSignIn("form", say("sign_out_waits"));
      else showLine("down");
    }
    clearTimeout(again);
    again = setTimeout(enter, AGAIN);
  }
}

function showSignIn(which, problem) {
  stream?.close();
  stream = null;
  giveUp();
  // Nothing of the callers stays in the page.
  cards?.clear();
  calls = [];
  showCalls();
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
  page("desk").hidden = true;
  page("tools").hidden = true;
  page("who").hidden = true;
  page("line").hidden = true;
  page("sign-in").hidden = false;
  page("sign-in-form").hidden = which !== "form";
  page("invite-form").hidden = which !== "invite";
  document.title = "calldex";
  complain(which === "invite" ? "invite-problem" : "sign-in-problem", problem);
  const form = page(which === "invite" ? "invite-form" : "sign-in-form");
  // Whoever writes already goes on.
  if (!form.contains(document.activeElement)) form.querySelector(which === "invite" ? "button" : "input").focus();
}

function complain(id, text) {
  page(id).hidden = !text;
  page(id).textContent = text ?? "";
}

async function signIn(event) {
  event.preventDefault();
  const form = event.target;
  const fields = Object.fromEntries(new FormData(form));
  await open(fields, (failure) => {
    form.elements.password.value = "";
    complain("sign-in-problem", explainSignIn(failure));
    form.elements.password.focus();
  });
}

async function acceptInvite(event) {
  event.preventDefault();
  await open({ invite: linkOf() }, (failure) => {
    history.replaceState(null, "", "/agent");
    showSignIn("form", failure.status === 410 || failure.status === 401 ? say("invite_gone") : explainSignIn(failure));
  });
}

async function open(fields, fail) {
  try {
    await settleSignOut();
    await request("POST", "/agent/session", fields);
  } catch (failure) {
    fail(failure);
    return;
  }
  page("sign-in-form").reset();
  history.replaceState(null, "", "/agent");
  await enter();
}

function explainSignIn(failure) {
  if (failure.status === 401) return say("sign_in_wrong");
  if (failure.status === 429) return say("sign_in_wait", { seconds: failure.retryAfter ?? 60 });
  return say("sign_in_failed");
}

async function signOut() {
  wantSignOut();
  await enter();
}

function openPassword() {
  page("settings").close();
  page("password-form").reset();
  page("password-form").elements.username.value = page("who-agent").textContent;
  complain("password-problem", null);
  page("password").showModal();
}

async function savePassword(event) {
  event.preventDefault();
  try {
    await request("POST", "/agent/password", { password: event.target.elements.password.value });
    page("password").close();
    page("spoken").textContent = say("password_saved");
  } catch (failure) {
    complain("password-problem", say("save_failed", { reason: reasonOf(failure) }));
  }
}

function showDesk(state) {
  page("sign-in").hidden = true;
  page("desk").hidden = false;
  page("tools").hidden = false;
  page("who").hidden = false;
  page("who-agent").textContent = state.agent;
  page("who-project").textContent = state.project;
  sheet ??= new ContactSheet();
  sheet.offer(state.places);
  cards ??= new CardList(page("cards"), settings);
  cards.onCreate = (card) => sheet.open(card);
  cards.canCreate = state.places.length > 0;
  cards.replace(state.cards);
  calls = state.calls;
  showCalls();
  stream?.close();
  stream = new Stream(state.event_id, {
    card: (card) => cards.put(card),
    gone: ({ id }) => cards.remove(id),
    call: addCall,
    reload: enter,
    signed_out: () => showSignIn("form", say("signed_out_elsewhere")),
    line: showLine,
  });
}

function showLine(line) {
  page("line").hidden = false;
  page("line").dataset.line = line;
  page("line-text").textContent = say(`line_${line}`);
}

function addCall(call) {
  calls = [call, ...calls.filter((other) => other.id !== call.id)].slice(0, MOST_CALLS);
  showCalls();
}

function showCalls() {
  replaceRows(page("earlier"), calls.map(earlierRow));
  page("earlier-none").hidden = calls.length > 0;
}

function earlierRow(call) {
  return callRow(call, call.name ?? call.number ?? say("withheld"), [call.name ? call.number : null]);
}

/** After the language changed. */
async function refresh() {
  await loadTexts(settings.language);
  translate(document);
  if (stream) {
    showLine(stream.line);
    cards.refresh();
    showCalls();
  }
}

start();
