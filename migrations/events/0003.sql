-- The calls that were wiped, for a day: what a PBX still reports of them is not kept.
CREATE TABLE wiped (
    hash  BLOB    PRIMARY KEY,               -- of the project and of the call's name in the PBX
    since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
