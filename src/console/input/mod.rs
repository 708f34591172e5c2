//! What comes from the keyboard, and what it means.

pub mod decoder;
pub mod key;
pub mod keymap;

pub use decoder::{Decoder, Input, Mouse};
pub use key::{Code, Key};
pub use keymap::{Binding, Keymap, Meaning};
