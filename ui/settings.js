// What an agent likes, kept in this browser: whether pages open by themselves, notifications, language, appearance.

import { say } from "./texts.js";

const KEY = "calldex-agent";

export class Settings {
  constructor() {
    const kept = read();
    this.open = kept.open === true;
    this.notify = kept.notify === true && notificationsAre("granted");
    this.language = typeof kept.language === "string" ? kept.language : "";
    this.theme = typeof kept.theme === "string" ? kept.theme : "";
    this.applyTheme();
  }

  /** Connects the sheet; `onLanguage` is called when another language was chosen. */
  show(onLanguage) {
    const sheet = document.getElementById("settings");
    const [open, notify, language, theme] = ["open", "notify", "language", "theme"].map((name) =>
      document.getElementById(`set-${name}`),
    );
    document.getElementById("open-settings").addEventListener("click", () => {
      [open.checked, notify.checked, language.value, theme.value] = [this.open, this.notify, this.language, this.theme];
      sheet.showModal();
    });
    open.addEventListener("change", () => this.keep({ open: open.checked }));
    notify.addEventListener("change", async () => {
      const allowed = notify.checked && (await askForNotifications());
      if (notify.checked && !allowed) {
        document.getElementById("set-notify-hint").textContent = say("set_notify_blocked");
      }
      notify.checked = allowed;
      this.keep({ notify: allowed });
    });
    language.addEventListener("change", () => {
      this.keep({ language: language.value });
      onLanguage();
    });
    theme.addEventListener("change", () => {
      this.keep({ theme: theme.value });
      this.applyTheme();
    });
  }

  keep(change) {
    Object.assign(this, change);
    const { open, notify, language, theme } = this;
    try {
      localStorage.setItem(KEY, JSON.stringify({ open, notify, language, theme }));
    } catch {
      // A browser that keeps nothing: the choice holds until the page is closed.
    }
  }

  applyTheme() {
    if (this.theme) document.documentElement.dataset.theme = this.theme;
    else delete document.documentElement.dataset.theme;
  }
}

function read() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function notificationsAre(permission) {
  return "Notification" in window && Notification.permission === permission;
}

async function askForNotifications() {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}
