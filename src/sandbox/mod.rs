//! The simulated WeChat: a world and a thin HTTP face over it. Imports nothing of ours.
