//! What crosses the socket: NDJSON, one object a line, at most [`MAX_LINE`] bytes.
//!
//! A client opens a connection with [`Hello`]; the engine answers [`Welcome`] or [`Bye`]. Then the client sends
//! [`Request`]s; the engine sends [`FromEngine`]. A connection whose hello names a stream carries [`frame`]s
//! after the welcome instead.

pub mod answer;
pub mod command;
pub mod event;
pub mod frame;
pub mod hello;
pub mod line;
pub mod live;
pub mod message;
pub mod view;

pub use command::{Answer, Command, Refusal, Request, SpecSource};
pub use event::{Event, EventBody};
pub use hello::{Bye, ClientContext, ClientKind, Hello, Role, StreamRequest, Welcome};
pub use live::{DockerRows, ListKind, Live, Rows, Topic};
pub use message::FromEngine;
pub use view::View;

/// Version of this protocol. An engine serves this and the one before.
pub const VERSION: u32 = 1;

/// Longest line, bytes, the line feed included.
pub const MAX_LINE: usize = 1 << 20;

/// Longest message, bytes: what is longer than a line comes in parts.
pub const MAX_MESSAGE: usize = 64 << 20;

/// Name of the operators' socket, in the state directory.
pub const SOCKET: &str = "engine.sock";

/// Name of the socket for people who may only look, in the folder that the settings name.
pub const WATCH_SOCKET: &str = "watch.sock";
