-- The address books. A row of `contact` is one version of a contact: lookups see it when
--   since <= directory.generation AND (until IS NULL OR until > directory.generation)
-- An import stages its versions for generation + 1 and shows them all by raising the generation.

CREATE TABLE directory (
    id          INTEGER PRIMARY KEY,
    name        TEXT    NOT NULL UNIQUE,
    generation  INTEGER NOT NULL DEFAULT 0,  -- raised by every import
    revision    INTEGER NOT NULL DEFAULT 0,  -- raised by every write
    contacts    INTEGER NOT NULL DEFAULT 0,
    numbers     INTEGER NOT NULL DEFAULT 0,
    blocks      INTEGER NOT NULL DEFAULT 0,
    imported_at INTEGER                      -- milliseconds since 1970 UTC
) STRICT;

CREATE TABLE contact (
    row              INTEGER PRIMARY KEY,
    directory        INTEGER NOT NULL,
    id               ANY     NOT NULL,       -- an integer or a text, as the source has it
    since            INTEGER NOT NULL,
    until            INTEGER,
    is_primary       INTEGER NOT NULL,
    updated          INTEGER NOT NULL,       -- milliseconds since 1970 UTC, 0 for unknown
    custom           TEXT,                   -- a JSON object of texts
    name             TEXT,
    company          TEXT,
    email            TEXT,
    owner            TEXT,
    backend_link     TEXT,
    direct_line      TEXT,
    queue_position   TEXT,
    route_identifier TEXT,
    outbound_number  TEXT,
    language         TEXT,
    external_id      TEXT,
    digest           BLOB                    -- of the one imported row that made it, to know that row again
) STRICT;

CREATE UNIQUE INDEX contact_by_id ON contact (directory, id, since);
CREATE INDEX contact_by_end ON contact (directory, until) WHERE until IS NOT NULL;

CREATE TABLE number (
    contact   INTEGER NOT NULL,              -- contact.row
    position  INTEGER NOT NULL,
    directory INTEGER NOT NULL,
    written   TEXT    NOT NULL,
    country   TEXT    NOT NULL,              -- of this number alone; empty for that of the address book
    label     TEXT    NOT NULL,
    key       ANY,                           -- digits of the E.164 number, or the text of a local one
    extension TEXT,
    tail      INTEGER,                       -- last nine digits of a number that could not be read
    metadata  TEXT    NOT NULL,              -- release of the numbering plans that made the key
    PRIMARY KEY (contact, position)
) STRICT, WITHOUT ROWID;

CREATE INDEX number_by_key ON number (key, directory, extension) WHERE key IS NOT NULL;
CREATE INDEX number_by_tail ON number (tail, directory) WHERE tail IS NOT NULL;

CREATE TABLE block (
    contact   INTEGER NOT NULL,              -- contact.row
    position  INTEGER NOT NULL,
    part      INTEGER NOT NULL,              -- a range from, to is stored as several prefixes
    directory INTEGER NOT NULL,
    written   TEXT    NOT NULL,
    prefix    INTEGER NOT NULL,              -- the fixed digits, with the country code
    length    INTEGER,                       -- digits of a whole number; NULL for any
    PRIMARY KEY (contact, position, part)
) STRICT, WITHOUT ROWID;

CREATE INDEX block_by_prefix ON block (prefix, directory);

-- An import that is running, or was killed. Whether it lives, the lock on the file `<store>.import-<directory>` says.
CREATE TABLE import (
    directory INTEGER PRIMARY KEY,
    process   INTEGER NOT NULL,
    started   INTEGER NOT NULL,              -- milliseconds since 1970 UTC
    first_row INTEGER NOT NULL               -- its versions have this contact.row or a higher one
) STRICT;
