//! The hidden commands of the program: `__sandbox boot|inside|check …`.

use std::ffi::OsString;
use std::path::Path;

use super::{check, inside, node};

/// Runs one of them; must be called before the process has threads. Returns the exit code.
pub fn main(args: &[OsString]) -> i32 {
    // What servers write has modes of its own; those of the engine's owner do not count.
    nix::sys::stat::umask(nix::sys::stat::Mode::from_bits_truncate(0o022));
    match args {
        [word, dir, id, boot] if word == "boot" => match (id.to_str(), boot.to_str().and_then(|b| b.parse().ok())) {
            (Some(id), Some(boot)) => node::boot::main(Path::new(dir), id, boot),
            _ => 2,
        },
        [word, rest @ ..] if word == "inside" => inside::main(rest),
        [word, dir] if word == "check" => check::main(Path::new(dir)),
        _ => {
            eprintln!("unknown hidden command");
            2
        }
    }
}
