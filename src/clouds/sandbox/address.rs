//! Addresses of servers: out of 127.0.0.0/8, which reaches this computer only.

use std::collections::HashSet;
use std::net::{Ipv4Addr, TcpListener};

use sha2::{Digest, Sha256};

/// The port of SSH servers, and those that are taken when something listens on it on every address.
const PORTS: std::ops::Range<u16> = 2222..2232;
/// Addresses tried before giving up on a port.
const TRIES: u32 = 16;

/// A free address for the server `id` of a home: the same for the same ids while it is free.
///
/// # Errors
/// What the kernel said to the last try.
pub fn choose(home: &str, id: &str, taken: &HashSet<String>) -> std::io::Result<(Ipv4Addr, u16)> {
    let uid = nix::unistd::getuid();
    choose_with(&format!("{uid} {home} {id}"), taken, |address, port| TcpListener::bind((address, port)).map(drop))
}

fn choose_with(
    seed: &str,
    taken: &HashSet<String>,
    bind: impl Fn(Ipv4Addr, u16) -> std::io::Result<()>,
) -> std::io::Result<(Ipv4Addr, u16)> {
    let mut last = std::io::Error::other("every address is taken");
    for port in PORTS {
        for address in (0..TRIES).map(|n| candidate(seed, n)).filter(|a| !taken.contains(&a.to_string())) {
            match bind(address, port) {
                Ok(()) => return Ok((address, port)),
                Err(error) => last = error,
            }
        }
    }
    Err(last)
}

/// 127.16.0.1 to 127.239.255.254: clear of what resolvers and distributions use near 127.0.0.1.
fn candidate(seed: &str, n: u32) -> Ipv4Addr {
    let hash = Sha256::digest(format!("{seed} {n}"));
    let byte = |i: usize| hash.get(i).copied().unwrap_or_default();
    Ipv4Addr::new(127, 16 + byte(0) % 224, byte(1), 1 + byte(2) % 254)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn busy() -> std::io::Error {
        std::io::Error::from(std::io::ErrorKind::AddrInUse)
    }

    #[test]
    fn an_address_is_the_same_while_free_and_another_when_taken() {
        let free = |_, _| Ok(());
        let first = choose_with("a", &HashSet::new(), free).unwrap();
        assert_eq!(choose_with("a", &HashSet::new(), free).unwrap(), first);
        assert_ne!(choose_with("b", &HashSet::new(), free).unwrap(), first);
        assert!(first.0.is_loopback() && first.0.octets()[1] >= 16 && first.1 == 2222);
        let taken = HashSet::from([first.0.to_string()]);
        assert_ne!(choose_with("a", &taken, free).unwrap().0, first.0);
        let other = choose_with("a", &HashSet::new(), |a, _| if a == first.0 { Err(busy()) } else { Ok(()) }).unwrap();
        assert_ne!(other.0, first.0);
    }

    #[test]
    fn another_port_serves_when_somebody_listens_everywhere() {
        let found = choose_with("a", &HashSet::new(), |_, port| if port == 2222 { Err(busy()) } else { Ok(()) });
        assert_eq!(found.unwrap().1, 2223);
        assert!(choose_with("a", &HashSet::new(), |_, _| Err(busy())).is_err());
    }
}
