// One card for each call: it comes when the phone rings, fills in when a late answer comes, and goes when another agent
// takes the call.

import { reasonOf, request } from "./api.js";
import { callRow, part, replaceRows } from "./calls.js";
import { once } from "./once.js";
import { clock, say } from "./texts.js";

/** Cards of calls that are over which stay, until they are dismissed or newer ones come. */
const KEPT = 3;

/** Links that may be opened; calldex has checked them, this is the second lock. */
const SAFE_LINK = /^(?!javascript:|data:|vbscript:|file:|blob:)[a-z][a-z0-9+.-]*:/i;

export class CardList {
  constructor(list, settings) {
    this.list = list;
    this.settings = settings;
    this.cards = new Map();
    this.dismissed = new Map();
    this.opened = new Set();
    this.filled = false;
    this.onCreate = () => {};
    this.canCreate = false;
    this.title = document.title;
    setInterval(() => this.tick(), 1000);
  }

  /**
   * Shows these cards and no others. Of the first ones nothing is announced, and no page of a call that was answered
   * before opens; later, what has changed since is news.
   */
  replace(cards) {
    const shown = new Set(cards.map(({ id }) => id));
    for (const id of [...this.cards.keys()]) if (!shown.has(id)) this.remove(id);
    for (const card of [...cards].reverse()) {
      const before = this.filled ? this.cards.get(card.id)?.card : card;
      if (before && before.state !== "ringing") this.opened.add(card.id);
      if (this.filled) this.put(card);
      else if (!this.dismissed.has(card.id)) this.draw(card, null);
    }
    this.filled = true;
  }

  /** Shows nothing any more: whoever sits here is not signed in. */
  clear() {
    for (const id of [...this.cards.keys()]) this.remove(id);
    this.filled = false;
  }

  /** A new card, or one that has changed. */
  put(card) {
    // Dismissed after it was over, it comes back with a call that is put through again.
    if (this.dismissed.get(card.id) === "ended" && card.state !== "ended") this.dismissed.delete(card.id);
    if (this.dismissed.has(card.id)) return;
    const before = this.cards.get(card.id)?.card ?? null;
    this.draw(card, before);
    this.announce(card, before);
    this.openPage(card);
  }

  remove(id) {
    this.cards.get(id)?.element.remove();
    this.cards.delete(id);
    this.tick();
  }

  /** After the language changed. */
  refresh() {
    for (const { card } of [...this.cards.values()]) this.draw(card, card);
  }

  draw(card, before) {
    const known = this.cards.get(card.id);
    const element = known?.element ?? this.make(card.id);
    this.cards.set(card.id, { card, element });
    if (!known) this.list.prepend(element);
    const focused = element.contains(document.activeElement) ? document.activeElement : null;
    fill(element, card, this.canCreate);
    // Whoever pressed a button that has gone stays at the card.
    if (focused && !(focused.isConnected ? focused.checkVisibility() : element.contains(document.activeElement))) element.focus();
    this.clearAway();
    this.tick();
  }

  /** Of the calls that are over, the newest stay: the page is open all day. */
  clearAway() {
    const over = [...this.cards.values()].filter(({ card }) => card.state === "ended");
    over.sort((one, other) => other.card.started - one.card.started || other.card.id - one.card.id);
    for (const { card, element } of over.slice(KEPT)) {
      if (!element.contains(document.activeElement)) this.remove(card.id);
    }
  }

  make(id) {
    const element = document.getElementById("card-template").content.firstElementChild.cloneNode(true);
    element.querySelectorAll("[data-text]").forEach((text) => (text.textContent = say(text.dataset.text)));
    element.addEventListener("click", (event) => this.act(id, event.target.closest("[data-act]")));
    return element;
  }

  act(id, button) {
    const card = this.cards.get(id)?.card;
    if (!button || !card) return;
    if (button.dataset.act === "dismiss") {
      this.dismissed.set(id, card.state);
      this.remove(id);
      document.getElementById("calls").focus();
    } else if (button.dataset.act === "copy") {
      copy(card, button);
    } else if (button.dataset.act === "create") {
      this.onCreate(card);
    } else if (button.dataset.act === "choose") {
      const { source, id: contact } = card.candidates[Number(button.dataset.place)];
      request("POST", `/agent/cards/${encodeURIComponent(id)}/choice`, { source, id: contact }).catch((failure) => {
        const element = this.cards.get(id)?.element;
        if (element) remark(element, say("save_failed", { reason: reasonOf(failure) }), "warning");
      });
    }
  }

  /** Says who is calling, to screen readers and, in the background, to the desktop. */
  announce(card, before) {
    if (card.state === before?.state && who(card) === (before && who(before))) return;
    if (card.state === "ended") return;
    const words = card.state === "ringing" ? "spoken_ringing" : "spoken_answered";
    document.getElementById("spoken").textContent = say(words, { name: who(card) });
    if (!this.settings.notify || !document.hidden) return;
    const about = [card.company, card.number, card.queue].filter(Boolean).join(" · ");
    try {
      const notification = new Notification(who(card), { body: about, tag: card.id, icon: "/static/icon.svg" });
      notification.onclick = () => window.focus();
    } catch {
      // Browsers on telephones have the class and refuse it to pages; the card is there all the same.
    }
  }

  /** Opens the customer's page once, as soon as the call is answered and there is a page. */
  openPage(card) {
    if (!this.settings.open || card.state !== "answered" || this.opened.has(card.id) || !safe(card.link)) return;
    this.opened.add(card.id);
    once(`open ${card.id} ${card.started}`, () => this.open(card));
  }

  open(card) {
    const element = this.cards.get(card.id)?.element;
    const tab = window.open("", "_blank");
    if (tab) {
      tab.opener = null;
      tab.location.replace(card.link);
    } else if (element) {
      remark(element, say("popup_blocked"), "warning");
    }
  }

  tick() {
    let ringing = null;
    for (const { card, element } of this.cards.values()) {
      part(element, "clock").textContent = card.state === "ended" ? "" : clock((Date.now() - (card.answered ?? card.started)) / 1000);
      if (card.state === "ringing") ringing ??= card;
    }
    const current = ringing ?? [...this.cards.values()].map(({ card }) => card).find((card) => card.state === "answered");
    document.title = current ? `${ringing ? "\u260e " : ""}${who(current)} \u00b7 calldex` : "calldex";
  }
}

/** What to call a caller. */
function who(card) {
  if (card.name ?? card.company) return card.name ?? card.company;
  if (card.outcome === "withheld") return say("withheld");
  if (card.outcome === "undetermined") return say("undetermined");
  return card.outcome === "found" ? say("no_name") : say("unknown");
}

function safe(link) {
  return typeof link === "string" && SAFE_LINK.test(link);
}

function fill(element, card, canCreate) {
  element.dataset.state = card.state;
  element.dataset.outcome = card.outcome;
  element.dataset.card = card.id;
  element.setAttribute("aria-label", who(card));
  part(element, "state").textContent = stateOf(card);
  part(element, "face").textContent = initials(card);
  part(element, "name").textContent = who(card);
  part(element, "company").textContent = card.company === who(card) ? "" : (card.company ?? "");
  part(element, "number").textContent = card.number ?? "";
  const copying = element.querySelector("[data-act=copy]");
  copying.hidden = !card.number;
  copying.setAttribute("aria-label", say("copy_number", { number: card.number ?? "" }));
  element.querySelector("[data-act=dismiss]").setAttribute("aria-label", say("dismiss", { name: who(card) }));
  remark(element, ...remarkOf(card));
  fillFacts(part(element, "facts"), card);
  fillCandidates(element, card);
  fillLink(part(element, "page"), card.link);
  element.querySelector("[data-act=create]").hidden = !(canCreate && card.e164 && card.outcome !== "found");
  part(element, "before").hidden = card.history.length === 0;
  replaceRows(part(element, "history"), card.history.map((call) => callRow(call, call.agent ?? say(wayOf(call)), [])));
}

function wayOf(call) {
  if (call.outcome === "missed") return "call_missed";
  return call.direction === "out" ? "call_out" : "call_in";
}

function stateOf(card) {
  if (card.state === "ringing") return say(card.direction === "out" ? "state_out" : "state_ringing");
  if (card.state === "answered") return say("state_answered");
  if (card.ended_how === "missed") return say("state_missed");
  return card.ended_how === "taken" ? say("state_taken", { agent: card.agent ?? "" }) : say("state_ended");
}

function initials(card) {
  const words = (card.name ?? card.company ?? "").split(/\s+/).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const letters = card.name && words.length > 2 ? [words[0], words.at(-1)] : words.slice(0, 2);
  return letters.map((word) => [...word][0].toLocaleUpperCase()).join("") || (card.outcome === "withheld" ? "\u2013" : "?");
}

function remarkOf(card) {
  if (card.outcome === "undetermined") return [say("remark_undetermined"), "warning"];
  if (card.outcome === "withheld") return [say("remark_withheld"), ""];
  if (card.outcome === "unknown") return [say("remark_unknown"), ""];
  if (card.rung === "block") return [say("remark_switchboard"), ""];
  if (card.guess) return [say("remark_guess", { rung: say(`rung_${card.rung}`) }), "warning"];
  return card.late ? [say("remark_late"), ""] : [null, ""];
}

function remark(element, text, kind) {
  const place = part(element, "remark");
  place.hidden = !text;
  place.dataset.kind = kind ?? "";
  place.textContent = text ?? "";
}

function fillFacts(list, card) {
  const facts = [
    [card.direction === "out" ? "going_out_with" : "called", card.dnid],
    ["queue", card.queue],
    ["waited", card.waited === null ? null : clock(card.waited)],
    ["answered_by", card.agent],
    ["email", card.email],
    ["duration", card.duration === null ? null : clock(card.duration)],
  ];
  const rows = facts.filter(([, value]) => value).map(([key, value]) => {
    const [row, term, description] = ["div", "dt", "dd"].map((tag) => document.createElement(tag));
    row.dataset.fact = key;
    term.textContent = say(key);
    description.textContent = value;
    row.append(term, description);
    return row;
  });
  list.replaceChildren(...rows);
}

function fillLink(anchor, link) {
  anchor.hidden = !safe(link);
  if (safe(link)) anchor.href = link;
  else anchor.removeAttribute("href");
}

function fillCandidates(element, card) {
  part(element, "several").hidden = card.candidates.length === 0;
  const rows = card.candidates.map((candidate, place) => {
    const row = document.getElementById("candidate-template").content.firstElementChild.cloneNode(true);
    const name = candidate.name ?? candidate.company ?? say("no_name");
    row.dataset.chosen = String(candidate.chosen);
    part(row, "face").textContent = initials(candidate);
    part(row, "name").textContent = name;
    part(row, "about").textContent = [candidate.name ? candidate.company : null, candidate.source].filter(Boolean).join(" · ");
    const link = part(row, "link");
    fillLink(link, candidate.link);
    link.textContent = say("open");
    link.setAttribute("aria-label", say("open_of", { name }));
    const choose = row.querySelector("[data-act=choose]");
    choose.dataset.place = String(place);
    choose.textContent = say(candidate.chosen ? "chosen" : "this_one");
    choose.setAttribute("aria-label", say(candidate.chosen ? "chosen_of" : "this_one_of", { name }));
    choose.setAttribute("aria-pressed", String(candidate.chosen));
    return row;
  });
  const list = part(element, "candidates");
  const focused = [...list.querySelectorAll("a, button")].indexOf(document.activeElement);
  list.replaceChildren(...rows);
  // Whoever works with the keyboard stays where he is.
  if (focused >= 0) list.querySelectorAll("a, button")[focused]?.focus();
}

async function copy(card, button) {
  try {
    await navigator.clipboard.writeText(card.e164 ?? card.number);
    button.lastElementChild.textContent = say("copied");
    document.getElementById("spoken").textContent = say("copied");
    setTimeout(() => (button.lastElementChild.textContent = say("copy")), 1500);
  } catch {
    // Without the permission the number can still be marked by hand.
  }
}
