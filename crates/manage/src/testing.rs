//! The real router on a SQLite store in a temporary folder, with actors.
