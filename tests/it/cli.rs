//! The command line through the real binary.

mod bad_input;
mod looks;
mod main_job;
mod terminal;
mod words;
