//! What runs inside a server's namespaces: the way in, the first process, the SSH server.
//!
//! Nothing here may use threads before the SSH server's runtime starts: the namespaces are entered by fork.

pub mod boot;
pub mod console;
pub mod init;
pub mod mounts;
pub mod provision;
pub mod sshd;
pub mod userns;
