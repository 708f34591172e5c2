//! Port forwards: a port of this computer that leads to a port behind a node or server, over SSH.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::{Failure, Thing, Time};

/// Where a forward begins and where it leads: `[LOCAL:][HOST:]PORT`, as for `ssh -L`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Route {
    /// Port on the loopback address of the engine's computer; 0: any that is free.
    pub local: u16,
    /// Name or address as the node reaches it.
    pub host: String,
    /// Port there.
    pub port: u16,
}

impl FromStr for Route {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let port = |text: &str, least: u16| match text.trim().parse::<u16>() {
            Ok(port) if port >= least => Ok(port),
            _ => Err(format!("{text:?} is no port: write a number from {least} to 65535")),
        };
        let text = text.trim();
        // An IPv6 address stands between brackets: its colons are its own.
        let (head, last) = text.rsplit_once(':').unwrap_or(("", text));
        let to = port(last, 1)?;
        let (local, host) = match head {
            "" if last == text => (None, ""),
            "" => return Err(format!("{text:?} begins with a colon: write [LOCAL:][HOST:]PORT")),
            head if head.starts_with('[') => (None, head),
            head => match head.split_once(':') {
                Some((local, host)) => (Some(port(local, 0)?), host),
                None if head.bytes().all(|b| b.is_ascii_digit()) => (Some(port(head, 0)?), ""),
                None => (None, head),
            },
        };
        let host = match host {
            "" => "localhost",
            host => host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host),
        };
        let bad = |c: char| c.is_whitespace() || c.is_control() || "[]/@".contains(c);
        if host.is_empty() || host.len() > 253 || host.contains(bad) {
            return Err(format!("{host:?} is no host: write [LOCAL:][HOST:]PORT"));
        }
        Ok(Self { local: local.unwrap_or(to), host: host.to_owned(), port: to })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.local, self.far())
    }
}

impl Route {
    /// Where it leads, `HOST:PORT`.
    pub fn far(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        format!("{host}:{}", self.port)
    }
}

/// A forward that is open. It belongs to the engine: it outlives the client that opened it, and the engine's restart.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Forward {
    /// Its number, unique in the home as long as it is open.
    pub number: u64,
    /// The node or server that it leads through.
    pub through: Thing,
    /// The name of that, for showing.
    pub name: String,
    /// `local` is the port that it really has.
    pub route: Route,
    pub since: Time,
    /// Who opened it.
    pub by: String,
    /// Connections now.
    pub open: u32,
    /// Connections since it was opened.
    pub total: u64,
    /// Bytes to the node, of connections that have ended.
    pub sent: u64,
    /// Bytes from the node, of connections that have ended.
    pub received: u64,
    /// Why the last connection failed, or why it cannot listen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
}

impl Forward {
    /// What programs on the engine's computer connect to.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.route.local)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn routes_are_written_as_for_ssh() {
        for (text, wanted) in [
            ("8080", "8080:localhost:8080"),
            ("0:80", "0:localhost:80"),
            ("8080:80", "8080:localhost:80"),
            ("db:5432", "5432:db:5432"),
            ("9000:db.internal:5432", "9000:db.internal:5432"),
            (" 9000:[fd00::1]:5432 ", "9000:[fd00::1]:5432"),
            ("[::1]:53", "53:[::1]:53"),
        ] {
            let route: Route = text.parse().unwrap();
            assert_eq!(route.to_string(), wanted, "{text}");
            assert_eq!(route.to_string().parse::<Route>().unwrap(), route);
        }
        for text in ["", "http", "80:", ":80", "0", "70000", "1:2:3:x", "8080:a b:80", "8080:a/b:80", "8080:[]:80", "8080::80:"] {
            assert!(text.parse::<Route>().is_err(), "{text}");
        }
    }
}
