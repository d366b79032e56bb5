-- Taken by another change.

PRAGMA user_version = 4;
