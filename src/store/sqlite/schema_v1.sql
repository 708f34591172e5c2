-- Facts about the store itself: `home` (id), `created` (time), `last_run` (highest number ever given to a run).
CREATE TABLE meta (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT;

-- What happened, without gaps; the oldest are trimmed. `upto` is the running sum of the lengths of `body`.
CREATE TABLE event (
    seq  INTEGER PRIMARY KEY,
    at   INTEGER NOT NULL,
    v    INTEGER NOT NULL,
    kind TEXT    NOT NULL,
    run  INTEGER,
    upto INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;

-- What the events add up to: the newest state of each thing.
CREATE TABLE run (
    number INTEGER PRIMARY KEY,
    over   INTEGER NOT NULL,
    ended  INTEGER,
    pinned INTEGER NOT NULL,
    body   TEXT    NOT NULL
) STRICT;

CREATE TABLE step (
    run  INTEGER NOT NULL,
    idx  INTEGER NOT NULL,
    body TEXT    NOT NULL,
    PRIMARY KEY (run, idx)
) STRICT;

CREATE TABLE cluster (
    id   TEXT PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

CREATE TABLE node (
    cluster TEXT NOT NULL,
    name    TEXT NOT NULL,
    body    TEXT NOT NULL,
    PRIMARY KEY (cluster, name)
) STRICT;

CREATE TABLE prompt (
    id   TEXT PRIMARY KEY,
    run  INTEGER NOT NULL,
    open INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;

-- Who changed what: kept for good.
CREATE TABLE audit (
    seq  INTEGER PRIMARY KEY,
    body TEXT NOT NULL
) STRICT;

-- Answers to requests that may be sent again.
CREATE TABLE idem (
    key    TEXT PRIMARY KEY,
    at     INTEGER NOT NULL,
    answer TEXT    NOT NULL
) STRICT;

-- Plans that were shown and may be applied.
CREATE TABLE plan (
    id   TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;

-- Last known lists, for the first frame.
CREATE TABLE cache (
    key  TEXT PRIMARY KEY,
    at   INTEGER NOT NULL,
    body TEXT    NOT NULL
) STRICT;
