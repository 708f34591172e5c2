//! The settings that a client wants its terminal to have.

use std::os::fd::BorrowedFd;

use nix::sys::termios::{
    ControlFlags, InputFlags, LocalFlags, OutputFlags, SetArg, SpecialCharacterIndices as Char, Termios, tcgetattr, tcsetattr,
};
use russh::Pty;

/// Sets what is known of `modes`; the rest stays as the kernel has it.
pub fn apply(terminal: BorrowedFd<'_>, modes: &[(Pty, u32)]) {
    let Ok(mut settings) = tcgetattr(terminal) else { return };
    for (mode, value) in modes {
        set(&mut settings, *mode, *value);
    }
    let _ = tcsetattr(terminal, SetArg::TCSANOW, &settings);
}

fn set(settings: &mut Termios, mode: Pty, value: u32) {
    if let Some(index) = character(mode) {
        if let Some(slot) = settings.control_chars.get_mut(index as usize) {
            // 255 is how the protocol says that there is none.
            *slot = u8::try_from(value).ok().filter(|v| *v != 255).unwrap_or(0);
        }
        return;
    }
    let on = value != 0;
    match mode {
        Pty::IGNPAR => settings.input_flags.set(InputFlags::IGNPAR, on),
        Pty::ISTRIP => settings.input_flags.set(InputFlags::ISTRIP, on),
        Pty::INLCR => settings.input_flags.set(InputFlags::INLCR, on),
        Pty::IGNCR => settings.input_flags.set(InputFlags::IGNCR, on),
        Pty::ICRNL => settings.input_flags.set(InputFlags::ICRNL, on),
        Pty::IXON => settings.input_flags.set(InputFlags::IXON, on),
        Pty::IXANY => settings.input_flags.set(InputFlags::IXANY, on),
        Pty::IXOFF => settings.input_flags.set(InputFlags::IXOFF, on),
        Pty::IMAXBEL => settings.input_flags.set(InputFlags::IMAXBEL, on),
        Pty::IUTF8 => settings.input_flags.set(InputFlags::IUTF8, on),
        Pty::ISIG => settings.local_flags.set(LocalFlags::ISIG, on),
        Pty::ICANON => settings.local_flags.set(LocalFlags::ICANON, on),
        Pty::ECHO => settings.local_flags.set(LocalFlags::ECHO, on),
        Pty::ECHOE => settings.local_flags.set(LocalFlags::ECHOE, on),
        Pty::ECHOK => settings.local_flags.set(LocalFlags::ECHOK, on),
        Pty::ECHONL => settings.local_flags.set(LocalFlags::ECHONL, on),
        Pty::NOFLSH => settings.local_flags.set(LocalFlags::NOFLSH, on),
        Pty::TOSTOP => settings.local_flags.set(LocalFlags::TOSTOP, on),
        Pty::IEXTEN => settings.local_flags.set(LocalFlags::IEXTEN, on),
        Pty::ECHOCTL => settings.local_flags.set(LocalFlags::ECHOCTL, on),
        Pty::ECHOKE => settings.local_flags.set(LocalFlags::ECHOKE, on),
        Pty::OPOST => settings.output_flags.set(OutputFlags::OPOST, on),
        Pty::ONLCR => settings.output_flags.set(OutputFlags::ONLCR, on),
        Pty::OCRNL => settings.output_flags.set(OutputFlags::OCRNL, on),
        Pty::ONOCR => settings.output_flags.set(OutputFlags::ONOCR, on),
        Pty::ONLRET => settings.output_flags.set(OutputFlags::ONLRET, on),
        Pty::PARENB => settings.control_flags.set(ControlFlags::PARENB, on),
        Pty::PARODD => settings.control_flags.set(ControlFlags::PARODD, on),
        _ => {}
    }
}

fn character(mode: Pty) -> Option<Char> {
    Some(match mode {
        Pty::VINTR => Char::VINTR,
        Pty::VQUIT => Char::VQUIT,
        Pty::VERASE => Char::VERASE,
        Pty::VKILL => Char::VKILL,
        Pty::VEOF => Char::VEOF,
        Pty::VEOL => Char::VEOL,
        Pty::VEOL2 => Char::VEOL2,
        Pty::VSTART => Char::VSTART,
        Pty::VSTOP => Char::VSTOP,
        Pty::VSUSP => Char::VSUSP,
        Pty::VREPRINT => Char::VREPRINT,
        Pty::VWERASE => Char::VWERASE,
        Pty::VLNEXT => Char::VLNEXT,
        Pty::VDISCARD => Char::VDISCARD,
        _ => return None,
    })
}
