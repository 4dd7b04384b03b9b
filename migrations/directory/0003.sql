-- What numbers are found by, as a table of its own. An index of `number` would be written in the order of the file, for
-- which every row touches another page; an import fills this table in the order of its keys.

CREATE TABLE number_key (
    key       ANY     NOT NULL,              -- number.key
    directory INTEGER NOT NULL,
    extension TEXT    NOT NULL,              -- number.extension; empty for none
    contact   INTEGER NOT NULL,              -- contact.row
    position  INTEGER NOT NULL,              -- number.position
    PRIMARY KEY (key, directory, extension, contact, position)
) STRICT, WITHOUT ROWID;

INSERT INTO number_key
    SELECT key, directory, coalesce(extension, ''), contact, position FROM number WHERE key IS NOT NULL ORDER BY 1, 2, 3, 4, 5;

DROP INDEX number_by_key;
