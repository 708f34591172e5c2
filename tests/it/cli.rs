//! The command line through the real binary.

mod bad_input;
mod main_job;
mod terminal;
mod words;
