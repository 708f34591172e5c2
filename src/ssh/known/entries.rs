//! The lines of a known-hosts file: which of them speak of a host, and what they say about a key.

use hmac::{Hmac, KeyInit, Mac};
use russh::keys::ssh_key::certificate::CertType;
use russh::keys::ssh_key::known_hosts::HostPatterns;
use russh::keys::{Algorithm, Certificate, HashAlg, PublicKey, PublicKeyOrCertificate};
use sha1::Sha1;

/// The names under which a known-hosts file may list a host.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Names(Vec<String>);

impl Names {
    /// Port 22 is listed by the plain name, every other as `[host]:port`.
    pub fn new(host: &str, port: u16) -> Self {
        let host = host.to_ascii_lowercase();
        let bracketed = format!("[{host}]:{port}");
        Self(if port == 22 { vec![host, bracketed] } else { vec![bracketed] })
    }

    /// The name for a new line.
    pub fn canonical(&self) -> &str {
        &self.0[0]
    }

    fn is(&self, name: &str) -> bool {
        self.0.iter().any(|n| n.eq_ignore_ascii_case(name))
    }

    fn matched_by(&self, hosts: &str) -> bool {
        match hosts.parse() {
            Ok(HostPatterns::HashedName { salt, hash }) => self.0.iter().any(|name| hashes_to(name, &salt, &hash)),
            Ok(HostPatterns::Patterns(patterns)) => {
                let hit = |pattern: &str| self.0.iter().any(|name| glob(&pattern.to_ascii_lowercase(), name));
                let mut found = false;
                for pattern in &patterns {
                    match pattern.strip_prefix('!') {
                        Some(not) if hit(not) => return false,
                        Some(_) => {}
                        None => found |= hit(pattern),
                    }
                }
                found
            }
            Err(_) => false,
        }
    }
}

fn hashes_to(name: &str, salt: &[u8], hash: &[u8]) -> bool {
    Hmac::<Sha1>::new_from_slice(salt).is_ok_and(|mac| mac.chain_update(name).verify_slice(hash).is_ok())
}

/// `*` is any text, `?` any one character.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.as_bytes(), text.as_bytes());
    let (mut p, mut t) = (0, 0);
    // Where the last star was, and how much of the text it has taken.
    let mut star = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(&c) if c == b'?' || c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Marker {
    None,
    CertAuthority,
    Revoked,
    /// One that nobody knows: its line says nothing.
    Other,
}

struct Line<'a> {
    number: usize,
    marker: Marker,
    hosts: &'a str,
    /// Type, base64 and comment.
    key: &'a str,
}

fn read_line(number: usize, line: &str) -> Option<Line<'_>> {
    let word = |text: &'_ str| text.find([' ', '\t']).unwrap_or(text.len());
    let mut rest = line.trim();
    if rest.is_empty() || rest.starts_with('#') {
        return None;
    }
    let mut marker = Marker::None;
    if rest.starts_with('@') {
        let end = word(rest);
        marker = match &rest[..end] {
            "@cert-authority" => Marker::CertAuthority,
            "@revoked" => Marker::Revoked,
            _ => Marker::Other,
        };
        rest = rest[end..].trim_start();
    }
    let end = word(rest);
    Some(Line { number, marker, hosts: &rest[..end], key: rest[end..].trim_start() })
}

fn read_key(text: &str) -> Option<PublicKey> {
    let mut words = text.split_ascii_whitespace();
    PublicKey::from_openssh(&format!("{} {}", words.next()?, words.next()?)).ok()
}

/// What a known-hosts file says about one host.
#[derive(Clone, Debug, Default)]
pub struct Pins {
    /// Keys it may show, with their line numbers.
    keys: Vec<(usize, PublicKey)>,
    /// Keys that nobody may show.
    revoked: Vec<(usize, PublicKey)>,
    /// Authorities that may vouch for its key.
    authorities: Vec<PublicKey>,
    /// Lines about the host whose key cannot be read.
    unreadable: Vec<usize>,
}

/// What [`Pins`] say about a key that the host shows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It is pinned, or vouched for by an authority.
    Known,
    /// Nothing is known about the host.
    Unknown,
    /// Other keys are pinned.
    Changed { known: Vec<(usize, PublicKey)> },
    /// The key, or the authority behind it, is revoked.
    Revoked { line: usize },
    /// The host is listed, but with a key that cannot be read.
    Unreadable { line: usize },
}

impl Pins {
    /// Reads what `text` says about a host.
    pub fn of(text: &str, names: &Names) -> Self {
        let mut pins = Self::default();
        for line in text.lines().enumerate().filter_map(|(i, line)| read_line(i + 1, line)) {
            if line.marker == Marker::Other || !names.matched_by(line.hosts) {
                continue;
            }
            let Some(key) = read_key(line.key) else {
                pins.unreadable.push(line.number);
                continue;
            };
            match line.marker {
                Marker::Revoked => pins.revoked.push((line.number, key)),
                Marker::CertAuthority => pins.authorities.push(key),
                _ => pins.keys.push((line.number, key)),
            }
        }
        pins
    }

    /// Judges the key or certificate that the host shows. `now` in seconds since 1970.
    pub fn judge(&self, shown: &PublicKeyOrCertificate, host: &str, now: u64) -> Verdict {
        let key = shown.public_key();
        if let Some(line) = self.revoked_at(&key) {
            return Verdict::Revoked { line };
        }
        if let Some(cert) = shown.certificate() {
            let authority = PublicKey::new(cert.signature_key().clone(), "");
            if let Some(line) = self.revoked_at(&authority) {
                return Verdict::Revoked { line };
            }
            if self.vouched(cert, host, now) {
                return Verdict::Known;
            }
        }
        if self.keys.iter().any(|(_, known)| same(known, &key)) {
            Verdict::Known
        } else if let Some(&line) = self.unreadable.first() {
            Verdict::Unreadable { line }
        } else if self.keys.is_empty() {
            Verdict::Unknown
        } else {
            Verdict::Changed { known: self.keys.clone() }
        }
    }

    fn revoked_at(&self, key: &PublicKey) -> Option<usize> {
        self.revoked.iter().find(|(_, revoked)| same(revoked, key)).map(|(line, _)| *line)
    }

    /// A host certificate names the host, is valid now, and asks for nothing that we do not know.
    fn vouched(&self, cert: &Certificate, host: &str, now: u64) -> bool {
        let authorities: Vec<_> = self.authorities.iter().map(|key| key.fingerprint(HashAlg::Sha256)).collect();
        cert.cert_type() == CertType::Host
            && cert.critical_options().is_empty()
            && cert.valid_principals().iter().any(|name| name.eq_ignore_ascii_case(host))
            && cert.validate_at(now, &authorities).is_ok()
    }

    /// Algorithms to ask the host for first: those whose keys are pinned.
    pub fn algorithms(&self) -> Vec<Algorithm> {
        self.keys.iter().map(|(_, key)| key.algorithm()).collect()
    }

    /// Whether a certificate of the host could be judged.
    pub fn has_authorities(&self) -> bool {
        !self.authorities.is_empty()
    }
}

/// Comments aside.
fn same(a: &PublicKey, b: &PublicKey) -> bool {
    a.key_data() == b.key_data()
}

/// `ssh-ed25519 AAAA…`, without a comment.
pub fn plain_line(key: &PublicKey) -> Option<String> {
    PublicKey::new(key.key_data().clone(), "").to_openssh().ok().map(|line| line.trim_end().to_owned())
}

/// `text` without what it says about exactly this host; wildcards and marked lines stay.
pub fn without(text: &str, names: &Names) -> String {
    let mut kept = String::with_capacity(text.len());
    for line in text.lines() {
        if let Some(line) = without_in_line(line, names) {
            kept.push_str(&line);
            kept.push('\n');
        }
    }
    kept
}

fn without_in_line(text: &str, names: &Names) -> Option<String> {
    let Some(line) = read_line(0, text).filter(|line| line.marker == Marker::None) else {
        return Some(text.to_owned());
    };
    if line.hosts.starts_with('|') {
        return (!names.matched_by(line.hosts)).then(|| text.to_owned());
    }
    let left: Vec<_> = line.hosts.split(',').filter(|host| !names.is(host)).collect();
    if left.len() == line.hosts.split(',').count() {
        Some(text.to_owned())
    } else if left.iter().all(|host| host.starts_with('!')) {
        None
    } else {
        Some(format!("{} {}", left.join(","), line.key))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use russh::keys::PrivateKey;
    use russh::keys::key::safe_rng;
    use russh::keys::ssh_key::certificate::Builder;

    use super::*;

    const ED: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJdD7y3aLq454yWBdwLWbieU1ebz9/cu7/QEXn9OIeZJ";
    const ED2: &str = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILIG2T/B0l0gaqj3puu510tu9N1OkQ4znY3LYuEm5zCF";
    const EC: &str = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBMxBTpMIGvo7CnordO7wP0QQRqpBwUjOLl4eMhfucfE1sjTYyK5wmTl1UqoSDS1PtRVTBdl+0+9pquFb46U7fwg=";

    fn key(line: &str) -> PublicKeyOrCertificate {
        PublicKey::from_openssh(line).unwrap().into()
    }

    fn verdict(file: &str, host: &str, port: u16, shown: &str) -> Verdict {
        Pins::of(file, &Names::new(host, port)).judge(&key(shown), host, 1_000)
    }

    #[test]
    fn a_pinned_key_is_known_and_any_other_is_a_change() {
        let file = format!("# comment\n\n[10.0.0.1]:2222 {ED} somebody\nother {ED2}\n");
        assert_eq!(verdict(&file, "10.0.0.1", 2222, ED), Verdict::Known);
        assert!(matches!(verdict(&file, "10.0.0.1", 2222, ED2), Verdict::Changed { known } if known[0].0 == 3));
        assert!(matches!(verdict(&file, "10.0.0.1", 2222, EC), Verdict::Changed { .. }), "another algorithm is a change too");
        assert_eq!(verdict(&file, "10.0.0.1", 22, ED), Verdict::Unknown);
        assert_eq!(verdict(&file, "OTHER", 22, ED2), Verdict::Known);
        assert_eq!(verdict("", "h", 22, ED), Verdict::Unknown);
    }

    #[test]
    fn one_of_several_pinned_keys_is_enough() {
        let file = format!("h {EC}\nh\t{ED}\n");
        assert_eq!(verdict(&file, "h", 22, ED), Verdict::Known);
        assert_eq!(verdict(&file, "h", 22, EC), Verdict::Known);
        assert_eq!(Pins::of(&file, &Names::new("h", 22)).algorithms().len(), 2);
    }

    #[test]
    fn hashed_names_are_understood() {
        // Made by `ssh-keygen -H` from `[127.0.0.1]:2222` and `example.org`.
        let file = format!(
            "|1|i3Z7kSZbq+eLXd/7UuW54JIUB6o=|khndtT86dDhuKajojCgWTsZe0W8= {ED}\n\
             |1|hGGVwX9i4mvd8ogOZe6kvyvHuGs=|JxDQ6qtk7iAch6YAUO8QTdpSyyc= {ED2}\n"
        );
        assert_eq!(verdict(&file, "127.0.0.1", 2222, ED), Verdict::Known);
        assert_eq!(verdict(&file, "Example.org", 22, ED2), Verdict::Known);
        assert!(matches!(verdict(&file, "example.org", 22, ED), Verdict::Changed { .. }));
        assert_eq!(verdict(&file, "elsewhere", 22, ED), Verdict::Unknown);
    }

    fn hashed(name: &str, salt: &str) -> String {
        use base64::prelude::{BASE64_STANDARD, Engine};
        let salt = BASE64_STANDARD.decode(salt).unwrap();
        let mac = Hmac::<Sha1>::new_from_slice(&salt).unwrap().chain_update(name);
        BASE64_STANDARD.encode(mac.finalize().into_bytes())
    }

    #[test]
    fn wildcards_and_negations_are_understood() {
        let file = format!("*.example.org,!bad.example.org,10.0.?.1 {ED}\n");
        assert_eq!(verdict(&file, "a.example.org", 22, ED), Verdict::Known);
        assert_eq!(verdict(&file, "bad.example.org", 22, ED), Verdict::Unknown);
        assert_eq!(verdict(&file, "10.0.7.1", 22, ED), Verdict::Known);
        assert_eq!(verdict(&file, "10.0.77.1", 22, ED), Verdict::Unknown);
        assert_eq!(verdict(&format!("[*]:2222 {ED}"), "h", 2222, ED), Verdict::Known);
    }

    #[test]
    fn a_revoked_key_is_refused_whatever_else_is_said() {
        let file = format!("h {ED}\n@revoked * {ED}\n");
        assert_eq!(verdict(&file, "h", 22, ED), Verdict::Revoked { line: 2 });
    }

    #[test]
    fn a_line_that_cannot_be_read_never_makes_a_host_unknown() {
        assert_eq!(verdict("h ssh-ed25519 AAAAbroken\n", "h", 22, ED), Verdict::Unreadable { line: 1 });
        assert_eq!(verdict("h\n", "h", 22, ED), Verdict::Unreadable { line: 1 });
        assert_eq!(verdict("@strange h ssh-ed25519 x\n", "h", 22, ED), Verdict::Unknown);
    }

    #[test]
    fn a_certificate_counts_when_a_known_authority_vouches_for_this_host_now() {
        let ca = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let host = PrivateKey::random(&mut safe_rng(), Algorithm::Ed25519).unwrap();
        let cert = |name: &str, kind| {
            let mut cert = Builder::new_with_random_nonce(&mut safe_rng(), host.public_key(), 500, 2_000).unwrap();
            cert.cert_type(kind).unwrap().key_id("k").unwrap().valid_principal(name).unwrap();
            PublicKeyOrCertificate::from(cert.sign(&ca).unwrap())
        };
        let ca_line = ca.public_key().to_openssh().unwrap();
        let pins = Pins::of(&format!("@cert-authority *.org {ca_line}\n"), &Names::new("a.org", 22));
        assert!(pins.has_authorities());
        assert_eq!(pins.judge(&cert("a.org", CertType::Host), "a.org", 1_000), Verdict::Known);
        assert_eq!(pins.judge(&cert("a.org", CertType::Host), "a.org", 3_000), Verdict::Unknown, "no longer valid");
        assert_eq!(pins.judge(&cert("b.org", CertType::Host), "a.org", 1_000), Verdict::Unknown, "of another host");
        assert_eq!(pins.judge(&cert("a.org", CertType::User), "a.org", 1_000), Verdict::Unknown, "of a user");
        let stranger = Pins::of(&format!("@cert-authority *.org {ED}\n"), &Names::new("a.org", 22));
        assert_eq!(stranger.judge(&cert("a.org", CertType::Host), "a.org", 1_000), Verdict::Unknown);
        let revoked = Pins::of(&format!("@cert-authority * {ca_line}\n@revoked * {ca_line}\n"), &Names::new("a.org", 22));
        assert_eq!(revoked.judge(&cert("a.org", CertType::Host), "a.org", 1_000), Verdict::Revoked { line: 2 });
    }

    #[test]
    fn forgetting_takes_exactly_the_host() {
        let hashed = format!("|1|c2FsdA==|{} {ED}", hashed("[h]:2222", "c2FsdA=="));
        let file = format!("[h]:2222 {ED}\nh {ED}\na,[h]:2222 {ED} c\n@revoked [h]:2222 {ED}\n* {ED2}\n{hashed}\n# end\n");
        let left = without(&file, &Names::new("h", 2222));
        assert_eq!(left, format!("h {ED}\na {ED} c\n@revoked [h]:2222 {ED}\n* {ED2}\n# end\n"));
    }

    proptest! {
        #[test]
        fn a_line_written_is_a_line_read(host in "[a-z0-9.:-]{1,20}", port in 1u16..) {
            let names = Names::new(&host, port);
            let PublicKeyOrCertificate::PublicKey { key: public, .. } = key(ED) else { unreachable!() };
            let line = format!("{} {}\n", names.canonical(), plain_line(&public).unwrap());
            prop_assert_eq!(Pins::of(&line, &names).judge(&key(ED), &host, 0), Verdict::Known);
            prop_assert_eq!(without(&line, &names), "");
        }

        #[test]
        fn no_text_makes_it_panic(text in "\\PC{0,200}|(@?[a-z*!?|,\\[\\]:= 0-9]{0,60}\n){0,4}", host in "\\PC{0,12}", port: u16) {
            let names = Names::new(&host, port);
            Pins::of(&text, &names).judge(&key(ED), &host, 0);
            without(&text, &names);
        }
    }
}
