// Rows of earlier calls: on a card, and in the list at the side.

import { clock, moment, say } from "./texts.js";

export function part(root, name) {
  return root.querySelector(`[data-part="${name}"]`);
}

/** A row about a call: a title that fits its list, and what else there is to say. */
export function callRow(call, title, about) {
  const row = document.getElementById("call-template").content.firstElementChild.cloneNode(true);
  const way = part(row, "way");
  way.dataset.way = call.direction;
  way.dataset.outcome = call.outcome ?? "open";
  const words = call.outcome === "missed" ? "call_missed" : call.direction === "out" ? "call_out" : "call_in";
  way.setAttribute("aria-label", say(call.outcome === null ? "call_open" : words));
  part(row, "name").textContent = title;
  const duration = call.duration === null ? null : clock(call.duration);
  part(row, "about").textContent = [...about, call.queue, duration].filter(Boolean).join(" · ");
  const time = part(row, "time");
  time.dateTime = new Date(call.started).toISOString();
  time.textContent = moment(call.started);
  return row;
}

/** Puts rows in place of those that are there. */
export function replaceRows(list, rows) {
  list.replaceChildren(...rows);
}
