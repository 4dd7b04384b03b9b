-- How long the calls of a project are kept, as the configuration last said: that holds on when the project is removed
-- from it, and while a mistake in its file keeps it from loading.
CREATE TABLE kept (
    project TEXT    PRIMARY KEY,
    history INTEGER NOT NULL,                -- how long, in milliseconds
    seen    INTEGER NOT NULL                 -- when the project was last in the configuration
) STRICT, WITHOUT ROWID;
