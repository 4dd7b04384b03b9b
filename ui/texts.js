// The words of the page, from a file for each language: ui/texts/en.json is the list of all of them.

const LANGUAGES = ["en", "ro"];
let texts = {};
let locale = "en";

/** Loads a language; an empty one means that of the browser. */
export async function loadTexts(language) {
  const wanted = language || navigator.languages.map((tag) => tag.slice(0, 2)).find((tag) => LANGUAGES.includes(tag));
  const chosen = LANGUAGES.includes(wanted) ? wanted : "en";
  // Times as the browser's own region writes them, where it speaks the language.
  locale = navigator.languages.find((tag) => tag.slice(0, 2) === chosen) ?? chosen;
  const reply = await fetch(`/static/texts/${chosen}.json`);
  texts = await reply.json();
  document.documentElement.lang = chosen;
}

/** A text with its places filled in: {name} is replaced by values.name. */
export function say(key, values = {}) {
  const text = texts[key] ?? key;
  return text.replace(/\{(\w+)\}/g, (place, name) => values[name] ?? place);
}

/** Puts its text into every element that names one. */
export function translate(root) {
  for (const element of root.querySelectorAll("[data-text]")) element.textContent = say(element.dataset.text);
}

const format = (options) => new Intl.DateTimeFormat(locale, options);

/** A moment for people: the time of today, else with its day. */
export function moment(milliseconds) {
  const date = new Date(milliseconds);
  const time = format({ hour: "2-digit", minute: "2-digit" }).format(date);
  const days = Math.round((startOfDay(Date.now()) - startOfDay(milliseconds)) / 86400000);
  if (days === 0) return time;
  if (days === 1) return `${say("yesterday")} ${time}`;
  return `${format({ day: "numeric", month: "short" }).format(date)} ${time}`;
}

function startOfDay(milliseconds) {
  return new Date(milliseconds).setHours(0, 0, 0, 0);
}

/** Seconds as minutes and seconds: 75 is 1:15. */
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const two = (number) => String(number).padStart(2, "0");
  return hours > 0 ? `${hours}:${two(minutes)}:${two(rest)}` : `${minutes}:${two(rest)}`;
}
