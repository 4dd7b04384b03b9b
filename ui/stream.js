// What calldex has to tell, as it happens. After a break the browser goes on behind the last event that it has seen.

const KINDS = ["card", "gone", "call", "reload", "signed_out"];

/** Reconnects after this long when the browser itself has given up, in milliseconds. */
const AGAIN = 3000;

/** A stream from which nothing came for this long is dead, in milliseconds: the server says every 15 s that it lives. */
const SILENT = 45000;

/** The lock of the one tab that also listens while it is not seen, to notify. */
const KEEPER = "calldex-stream";

/** Whether this tab is that one. */
let keeps = !navigator.locks;
let asked = false;
let release = null;
let current = null;

/** Becomes the one that listens unseen, as soon as the tab that is has gone. */
function ask() {
  if (asked || keeps) return;
  asked = true;
  navigator.locks.request(KEEPER, () => {
    if (!current) {
      // Signed out while it waited.
      asked = false;
      return undefined;
    }
    keeps = true;
    current?.adjust();
    return new Promise((resolve) => {
      release = resolve;
    });
  });
}

/** Leaves that to another tab: nobody is signed in here any more. */
export function giveUp() {
  if (!release) return;
  release();
  [release, keeps, asked] = [null, false, false];
}

/**
 * Listens while the page is seen: a browser has six connections to a server for all of its tabs, and a stream takes one.
 * One tab listens unseen as well.
 */
export class Stream {
  /** Listens for what comes behind `after`; `on` has a function for each kind of event, and `line` for the connection. */
  constructor(after, on) {
    this.last = after;
    this.on = on;
    this.source = null;
    this.seen = () => this.adjust();
    document.addEventListener("visibilitychange", this.seen);
    current = this;
    this.watchdog = setInterval(() => this.check(), 5000);
    ask();
    this.tell("connecting");
    if (this.listens) this.connect();
  }

  get listens() {
    return keeps || !document.hidden;
  }

  /** Stops to listen in the background; back from there, all is read anew. */
  adjust() {
    if (!this.listens) {
      clearTimeout(this.timer);
      this.source?.close();
      this.source = null;
    } else if (!this.source) {
      this.on.reload();
    }
  }

  /** A connection may die without a word, behind a router that forgets it: the browser does not notice, this does. */
  check() {
    if (this.line !== "up" || !this.source || Date.now() - this.heard < SILENT) return;
    this.source.close();
    this.tell("down");
    this.connect();
  }

  connect() {
    this.heard = Date.now();
    this.source = new EventSource(`/agent/stream?after=${encodeURIComponent(this.last ?? "")}`);
    this.source.onopen = () => {
      this.heard = Date.now();
      this.tell("up");
    };
    this.source.addEventListener("alive", () => {
      this.heard = Date.now();
    });
    this.source.onerror = () => {
      this.tell("down");
      // A refusal closes for good: then the session may be over, which the state tells.
      if (this.source?.readyState === EventSource.CLOSED) this.timer = setTimeout(() => this.on.reload(), AGAIN);
    };
    for (const kind of KINDS) {
      this.source.addEventListener(kind, (event) => {
        this.heard = Date.now();
        if (event.lastEventId) this.last = event.lastEventId;
        this.on[kind](event.data ? JSON.parse(event.data) : null);
      });
    }
  }

  tell(line) {
    this.line = line;
    this.on.line(line);
  }

  close() {
    document.removeEventListener("visibilitychange", this.seen);
    clearInterval(this.watchdog);
    clearTimeout(this.timer);
    this.source?.close();
    this.source = null;
    if (current === this) current = null;
  }
}
