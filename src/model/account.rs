//! What a driver is told of an account: where it is, who we are there. Credentials are in it, so it is never stored
//! and never sent; printing it shows none.

use std::collections::BTreeMap;
use std::path::PathBuf;

use secrecy::{ExposeSecret, SecretString};

/// A secret that can be compared: whether an account has changed.
#[derive(Clone, Debug)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(SecretString::from(text.into()))
    }

    /// For those who take it on.
    pub fn get(&self) -> &SecretString {
        &self.0
    }

    /// The text itself, for the one place that sends it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
    }
}

impl Eq for Secret {}

/// Something that is called by its id or by its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Called {
    Id(String),
    Name(String),
}

impl Called {
    /// The word itself.
    pub fn word(&self) -> &str {
        match self {
            Self::Id(word) | Self::Name(word) => word,
        }
    }
}

/// A user, or a project: by id, or by name in a domain.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct InDomain {
    pub called: Called,
    /// `None` where the id says it all, or the cloud's default domain is meant.
    pub domain: Option<Called>,
}

/// How to prove who we are at Keystone.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OpenstackAuth {
    Password {
        user: InDomain,
        password: Secret,
    },
    /// One-time passcodes: works until the token ends.
    Totp {
        user: InDomain,
        passcode: Secret,
    },
    /// A token that somebody else got.
    Token(Secret),
    ApplicationCredential {
        /// By id, or by name: then of this user.
        called: Called,
        user: Option<InDomain>,
        secret: Secret,
    },
    /// Several at once, each of which must hold.
    Several(Vec<OpenstackAuth>),
    /// A federated identity: an OpenID provider says who we are.
    Oidc(Box<Oidc>),
}

/// Federated log-in by OpenID Connect, without a browser.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Oidc {
    /// Its name at Keystone.
    pub provider: String,
    pub protocol: String,
    pub grant: OidcGrant,
    /// Where access tokens come from; or its `discovery`.
    pub token_endpoint: Option<String>,
    pub discovery: Option<String>,
    pub client: Option<String>,
    pub client_secret: Option<Secret>,
    pub scope: String,
}

/// What is shown to the OpenID provider.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum OidcGrant {
    Password {
        user: String,
        password: Secret,
    },
    ClientCredentials,
    /// Nothing: there is an access token already.
    AccessToken(Secret),
}

/// What a token is for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Scope {
    Project(InDomain),
    Domain(Called),
    System,
    /// What the credentials themselves say, or nothing.
    Unsaid,
}

/// Which of a service's addresses are used.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Interface {
    Public,
    Internal,
    Admin,
}

impl Interface {
    /// As in the catalog.
    pub fn word(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

/// What is said of one service, beside the catalog.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceChoice {
    /// Its address, whatever the catalog says.
    pub endpoint: Option<String>,
    /// Its type in the catalog.
    pub service_type: Option<String>,
    /// Its name in the catalog.
    pub service_name: Option<String>,
    pub region: Option<String>,
    pub interface: Option<Interface>,
    /// The microversion to speak, whatever is offered.
    pub microversion: Option<String>,
}

/// An account at an OpenStack cloud.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OpenstackAccount {
    /// Keystone.
    pub auth_url: String,
    pub auth: OpenstackAuth,
    pub scope: Scope,
    pub region: Option<String>,
    /// In order of preference.
    pub interfaces: Vec<Interface>,
    /// By the name of the service in clouds.yaml: `compute`, `block_storage` …
    pub services: BTreeMap<String, ServiceChoice>,
    /// Whether certificates are checked.
    pub verify: bool,
    pub ca_file: Option<PathBuf>,
    pub certificate: Option<PathBuf>,
    pub key: Option<PathBuf>,
    /// Network of servers that name none: name or id.
    pub network: Option<String>,
    /// Where floating IPs come from: name or id of an external network.
    pub external_network: Option<String>,
    /// Where the token may be kept between starts of the engine.
    pub cache_token: bool,
    /// Calls that change something, at once.
    pub at_once: Option<u32>,
    /// How often a call is tried again that can be repeated.
    pub retries: Option<u32>,
    /// Where all of this is written, for messages.
    pub source: String,
    /// What deserves a look.
    pub notes: Vec<String>,
}

impl OpenstackAccount {
    /// An account that leaves everything else as it usually is: the public interface, certificates checked.
    pub fn new(auth_url: String, auth: OpenstackAuth, scope: Scope, source: String) -> Self {
        Self {
            auth_url,
            auth,
            scope,
            region: None,
            interfaces: vec![Interface::Public],
            services: BTreeMap::new(),
            verify: true,
            ca_file: None,
            certificate: None,
            key: None,
            network: None,
            external_network: None,
            cache_token: false,
            at_once: None,
            retries: None,
            source,
            notes: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_compare_and_do_not_print() {
        let auth = |password: &str| {
            let user = InDomain { called: Called::Name("ana".into()), domain: None };
            OpenstackAuth::Password { user, password: Secret::new(password) }
        };
        assert_eq!(auth("hunter2"), auth("hunter2"));
        assert_ne!(auth("hunter2"), auth("hunter3"));
        assert!(!format!("{:?}", auth("hunter2")).contains("hunter"));
    }
}
