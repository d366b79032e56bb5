//! Text to valid configuration, all problems at once.
