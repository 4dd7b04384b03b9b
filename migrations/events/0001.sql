-- What PBXs report, what became of the calls, and who may watch. In a file of its own, so that an import into an
-- address book never holds up an event. Times are milliseconds since 1970 UTC, lengths of time are seconds.

CREATE TABLE meta (
    name  TEXT PRIMARY KEY,
    value ANY  NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO meta (name, value) VALUES
    ('change', 0),                           -- the newest call.change
    ('store', lower(hex(randomblob(8))));    -- makes keys of the journal differ from those of another store

-- Everything that was reported, as it came.
CREATE TABLE event (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT    NOT NULL,
    name     TEXT    NOT NULL,
    received INTEGER NOT NULL,
    call     INTEGER NOT NULL,
    params   TEXT    NOT NULL,               -- a JSON object of texts and lists of texts
    digest   BLOB                            -- of project and parameters; null where a repeat cannot be told
) STRICT;

CREATE UNIQUE INDEX event_by_digest ON event (digest) WHERE digest IS NOT NULL;
CREATE INDEX event_by_call ON event (call);

-- A call, put together from its events; written anew with each of them.
CREATE TABLE call (
    id             INTEGER PRIMARY KEY AUTOINCREMENT,
    project        TEXT    NOT NULL,
    uniqueid       TEXT,                     -- as the PBX names it; null when it does not
    telephone      TEXT    NOT NULL,
    number         INTEGER,                  -- key of the telephone number; null for withheld and local ones
    dnid           TEXT    NOT NULL,
    direction      TEXT    NOT NULL,
    state          INTEGER NOT NULL,         -- 0 rings, 1 answered, 2 over
    outcome        TEXT,                     -- of a call that is over
    agent          TEXT,
    queue          TEXT,
    remote_number  TEXT,
    started        INTEGER NOT NULL,
    answered       INTEGER,
    ended          INTEGER,
    waited         INTEGER,
    duration       INTEGER,
    computed       TEXT    NOT NULL,         -- names of values that calldex has worked out, with blanks between
    reason         TEXT,
    recording      TEXT,
    touched        INTEGER NOT NULL,         -- arrival of the newest event
    timed_out      INTEGER NOT NULL DEFAULT 0,
    bound          INTEGER NOT NULL,         -- 0 the caller is still to be looked up, 1 he was, 2 there is no number
    contact_source TEXT,
    contact_id     TEXT,
    caller         TEXT,                     -- JSON: what was known about the caller
    change         INTEGER NOT NULL          -- grows with every change of any call
) STRICT;

CREATE INDEX call_by_uniqueid ON call (project, uniqueid, touched) WHERE uniqueid IS NOT NULL;
CREATE INDEX call_by_number ON call (number, project, started) WHERE number IS NOT NULL;
CREATE INDEX call_by_contact ON call (contact_id, contact_source) WHERE contact_id IS NOT NULL;
CREATE INDEX call_by_start ON call (project, started);
CREATE INDEX call_running ON call (touched) WHERE state < 2;
CREATE INDEX call_unbound ON call (id) WHERE bound = 0;

-- Whom a call has rung, or who answered it.
CREATE TABLE party (
    project TEXT    NOT NULL,
    agent   TEXT    NOT NULL,                -- in lower case, without the technology before it
    call    INTEGER NOT NULL,
    PRIMARY KEY (project, agent, call)
) STRICT, WITHOUT ROWID;

CREATE INDEX party_by_call ON party (call);

-- Calls on their way into other systems.
CREATE TABLE journal (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    key     TEXT    NOT NULL,                -- the same for every try, so that the other side can tell a repeat
    project TEXT    NOT NULL,
    target  TEXT    NOT NULL,
    call    INTEGER NOT NULL,
    line    TEXT    NOT NULL,                -- entries of one line go out one after another
    state   INTEGER NOT NULL,                -- 0 waits, 1 written, 2 parked
    tries   INTEGER NOT NULL DEFAULT 0,
    due     INTEGER NOT NULL,
    created INTEGER NOT NULL,
    written INTEGER,
    error   TEXT,
    UNIQUE (target, key)
) STRICT;

CREATE INDEX journal_due ON journal (target, due) WHERE state = 0;
CREATE INDEX journal_line ON journal (target, line, id) WHERE state = 0;
CREATE INDEX journal_parked ON journal (target, id) WHERE state = 2;
CREATE INDEX journal_by_call ON journal (call);

-- The people who watch the page for agents.
CREATE TABLE agent (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    project  TEXT    NOT NULL,
    name     TEXT    NOT NULL,               -- as the PBX names the agent
    password TEXT,                           -- an argon2 hash; null until one is set
    created  INTEGER NOT NULL,
    settings TEXT    NOT NULL DEFAULT '{}',  -- a JSON object that belongs to the page
    UNIQUE (project, name)
) STRICT;

CREATE TABLE invitation (
    hash    BLOB    PRIMARY KEY,             -- SHA-256 of the token in the link
    agent   INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE session (
    hash    BLOB    PRIMARY KEY,             -- SHA-256 of the token in the cookie
    agent   INTEGER NOT NULL,
    csrf    TEXT    NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX invitation_by_agent ON invitation (agent);
CREATE INDEX session_by_agent ON session (agent);

-- Which of several contacts an agent picked for a number.
CREATE TABLE choice (
    project TEXT    NOT NULL,
    number  INTEGER NOT NULL,
    source  TEXT    NOT NULL,
    contact TEXT    NOT NULL,
    agent   TEXT    NOT NULL,
    chosen  INTEGER NOT NULL,
    PRIMARY KEY (project, number)
) STRICT, WITHOUT ROWID;
