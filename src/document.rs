//! A text with places: reads TOML so that every problem names file, line and column.
