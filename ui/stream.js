// What calldex has to tell, as it happens. After a break the browser goes on behind the last event that it has seen.

const KINDS = ["card", "gone", "call", "reload", "signed_out"];

/** Reconnects after this long when the browser itself has given up, in milliseconds. */
const AGAIN = 3000;

export class Stream {
  /** Listens for what comes behind `after`; `on` has a function for each kind of event, and `line` for the connection. */
  constructor(after, on) {
    this.last = after;
    this.on = on;
    this.connect();
  }

  connect() {
    this.tell("connecting");
    this.source = new EventSource(`/agent/stream?after=${encodeURIComponent(this.last ?? "")}`);
    this.source.onopen = () => this.tell("up");
    this.source.onerror = () => {
      this.tell("down");
      // A refusal closes for good: then the session may be over, which the state tells.
      if (this.source.readyState === EventSource.CLOSED && !this.closed) {
        this.timer = setTimeout(() => this.on.reload(), AGAIN);
      }
    };
    for (const kind of KINDS) {
      this.source.addEventListener(kind, (event) => {
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
    this.closed = true;
    clearTimeout(this.timer);
    this.source.close();
  }
}
