PRAGMA journal_mode = WAL;
CREATE TABLE parcels (
    number TEXT PRIMARY KEY,
    owner TEXT NOT NULL,
    label TEXT NOT NULL,
    grams INTEGER NOT NULL,
    state TEXT NOT NULL
);
