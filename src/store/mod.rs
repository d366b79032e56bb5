//! The audit log. The only SQL.
