-- What was erased on request and must not come back with the next import, without saying who it was: keyed hashes. The
-- key is random and never leaves this file.

CREATE TABLE erasure_key (
    key BLOB NOT NULL
) STRICT;

CREATE TABLE erased (
    directory INTEGER NOT NULL,              -- 0 for every address book
    hash      BLOB    NOT NULL,              -- of a number or an id
    name      BLOB    NOT NULL,              -- hash of the name when others still share the number, else empty
    at        INTEGER NOT NULL,              -- milliseconds since 1970 UTC
    PRIMARY KEY (directory, hash, name)
) STRICT, WITHOUT ROWID;

-- A removed address book keeps its row, so that its number never means another book to a server that is running.
ALTER TABLE directory ADD COLUMN removed INTEGER NOT NULL DEFAULT 0;
