// The sheet that makes a contact of an unknown caller, or adds his number to a contact.

import { reasonOf, request } from "./api.js";
import { say } from "./texts.js";

/** Waits this long for the next letter before it searches, in milliseconds. */
const PAUSE = 250;

export class ContactSheet {
  constructor() {
    this.dialog = document.getElementById("contact");
    this.form = document.getElementById("contact-form");
    this.found = document.getElementById("contact-found");
    this.form.addEventListener("submit", (event) => this.save(event));
    document.getElementById("contact-cancel").addEventListener("click", () => this.dialog.close());
    for (const radio of this.form.elements.how) radio.addEventListener("change", () => this.switchHow());
    this.form.elements.find.addEventListener("input", () => this.searchSoon());
    this.form.elements.where.addEventListener("change", () => this.switchPlace());
  }

  /** Where contacts can be made; numbers can be added to those of an address book only. */
  offer(places) {
    // What somebody is writing stays when the page reads all anew.
    if (JSON.stringify(places) === this.offered) return;
    this.offered = JSON.stringify(places);
    this.books = new Set(places.filter((place) => place.is_book).map((place) => place.name));
    this.form.elements.where.replaceChildren(...places.map(({ name }) => new Option(name, name)));
    if (this.dialog.open) this.switchPlace();
  }

  open(card) {
    this.card = card;
    this.form.reset();
    this.found.replaceChildren();
    this.complain(null);
    this.switchPlace();
    document.getElementById("contact-number").textContent = card.number;
    this.dialog.showModal();
    this.form.elements.name.focus();
  }

  get isNew() {
    return this.form.elements.how.value === "new";
  }

  switchPlace() {
    const isBook = this.books.has(this.form.elements.where.value);
    if (!isBook) this.form.elements.how.value = "new";
    document.getElementById("contact-how").hidden = !isBook;
    this.found.replaceChildren();
    this.switchHow();
    this.searchSoon();
  }

  switchHow() {
    document.getElementById("contact-new").hidden = !this.isNew;
    document.getElementById("contact-existing").hidden = this.isNew;
  }

  complain(text) {
    const problem = document.getElementById("contact-problem");
    problem.hidden = !text;
    problem.textContent = text ?? "";
  }

  searchSoon() {
    clearTimeout(this.pause);
    this.pause = setTimeout(() => this.search(), PAUSE);
  }

  async search() {
    const { where, find } = this.form.elements;
    if (find.value.trim().length < 2) {
      this.found.replaceChildren();
      return;
    }
    const asked = find.value;
    try {
      const query = new URLSearchParams({ place: where.value, find: asked.trim() });
      const { contacts } = await request("GET", `/agent/contacts?${query}`);
      if (asked === find.value) this.show(contacts);
    } catch (failure) {
      this.complain(reasonOf(failure));
    }
  }

  show(contacts) {
    if (contacts.length === 0) {
      const none = document.createElement("p");
      none.className = "hint";
      none.textContent = say("find_none");
      this.found.replaceChildren(none);
      return;
    }
    this.found.replaceChildren(...contacts.map((contact) => choice(contact)));
  }

  async save(event) {
    event.preventDefault();
    if (this.saving) return;
    const { where, name, company, email } = this.form.elements;
    const fields = { card: this.card.id, place: where.value };
    if (this.isNew) {
      if (!name.value.trim() && !company.value.trim()) return this.complain(say("name_missing"));
      Object.assign(fields, { name: name.value, company: company.value, email: email.value });
    } else {
      const chosen = this.form.querySelector("input[name=contact]:checked");
      if (!chosen) return this.complain(say("choose_contact"));
      fields.contact = JSON.parse(chosen.value);
    }
    this.saving = true;
    try {
      await request("POST", "/agent/contacts", fields);
      this.dialog.close();
      const card = document.querySelector(`.card[data-card="${Number(this.card.id)}"]`);
      // The button that opened the sheet may have gone meanwhile.
      if (card && !card.querySelector("[data-act=create]").checkVisibility()) card.focus();
      document.getElementById("spoken").textContent = say("saved");
    } catch (failure) {
      this.complain(say("save_failed", { reason: reasonOf(failure) }));
    } finally {
      this.saving = false;
    }
  }
}

function choice(contact) {
  const label = document.createElement("label");
  const radio = document.createElement("input");
  Object.assign(radio, { type: "radio", name: "contact", value: JSON.stringify(contact.id) });
  const text = document.createElement("span");
  const name = document.createElement("b");
  name.textContent = contact.name ?? contact.company ?? say("no_name");
  const about = document.createElement("small");
  about.className = "hint";
  about.textContent = [contact.name ? contact.company : null, ...contact.numbers].filter(Boolean).join(" · ");
  text.append(name, about);
  label.append(radio, text);
  return label;
}
