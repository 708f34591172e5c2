//! Keystone v3: what is sent to log in, and what its refusals mean.

use serde_json::{Value, json};

use crate::model::account::{Called, InDomain, OpenstackAccount, OpenstackAuth, Scope, Secret};

/// Domain of names without one, as the official client has it.
const DEFAULT_DOMAIN: &str = "default";

/// The body of a log-in. An application credential has its own scope.
pub fn body(auth: &OpenstackAuth, scope: &Scope) -> Value {
    let mut identity = json!({ "methods": methods(auth) });
    put(&mut identity, auth);
    let mut body = json!({ "auth": { "identity": identity } });
    if let Some(scope) = scope_of(auth, scope) {
        body["auth"]["scope"] = scope;
    }
    body
}

/// The same without any scope: it says whether the credentials alone are right.
pub fn unscoped(auth: &OpenstackAuth) -> Value {
    let mut body = body(auth, &Scope::Unsaid);
    body["auth"]["scope"] = json!("unscoped");
    body
}

/// A log-in with a token that is there.
pub fn with_token(token: &Secret, scope: &Scope) -> Value {
    body(&OpenstackAuth::Token(token.clone()), scope)
}

fn methods(auth: &OpenstackAuth) -> Vec<&'static str> {
    match auth {
        OpenstackAuth::Password { .. } => vec!["password"],
        OpenstackAuth::Totp { .. } => vec!["totp"],
        OpenstackAuth::Token(_) => vec!["token"],
        OpenstackAuth::ApplicationCredential { .. } => vec!["application_credential"],
        OpenstackAuth::Several(all) => all.iter().flat_map(methods).collect(),
        // It shows an access token in a header instead.
        OpenstackAuth::Oidc(_) => Vec::new(),
    }
}

fn put(identity: &mut Value, auth: &OpenstackAuth) {
    match auth {
        OpenstackAuth::Password { user, password } => {
            let mut user = named(user, None);
            user["password"] = json!(password.expose());
            identity["password"] = json!({ "user": user });
        }
        OpenstackAuth::Totp { user, passcode } => {
            let mut user = named(user, None);
            user["passcode"] = json!(passcode.expose());
            identity["totp"] = json!({ "user": user });
        }
        OpenstackAuth::Token(token) => identity["token"] = json!({ "id": token.expose() }),
        OpenstackAuth::ApplicationCredential { called, user, secret } => {
            let mut credential = by(called);
            credential["secret"] = json!(secret.expose());
            if let Some(user) = user {
                credential["user"] = named(user, None);
            }
            identity["application_credential"] = credential;
        }
        OpenstackAuth::Several(all) => all.iter().for_each(|one| put(identity, one)),
        OpenstackAuth::Oidc(_) => {}
    }
}

fn scope_of(auth: &OpenstackAuth, scope: &Scope) -> Option<Value> {
    if matches!(auth, OpenstackAuth::ApplicationCredential { .. }) {
        return None;
    }
    match scope {
        Scope::Project(project) => Some(json!({ "project": named(project, domain_of_user(auth)) })),
        Scope::Domain(domain) => Some(json!({ "domain": by(domain) })),
        Scope::System => Some(json!({ "system": { "all": true } })),
        Scope::Unsaid => None,
    }
}

fn domain_of_user(auth: &OpenstackAuth) -> Option<&Called> {
    match auth {
        OpenstackAuth::Password { user, .. } | OpenstackAuth::Totp { user, .. } => user.domain.as_ref(),
        OpenstackAuth::Several(all) => all.iter().find_map(domain_of_user),
        _ => None,
    }
}

fn by(called: &Called) -> Value {
    match called {
        Called::Id(id) => json!({ "id": id }),
        Called::Name(name) => json!({ "name": name }),
    }
}

fn named(who: &InDomain, other_domain: Option<&Called>) -> Value {
    let mut value = by(&who.called);
    if matches!(who.called, Called::Name(_)) {
        let domain = who.domain.as_ref().or(other_domain);
        value["domain"] = domain.map_or_else(|| json!({ "id": DEFAULT_DOMAIN }), by);
    }
    value
}

/// The secrets of a log-in, to be kept out of every text.
pub fn secrets(auth: &OpenstackAuth) -> Vec<&Secret> {
    match auth {
        OpenstackAuth::Password { password: secret, .. }
        | OpenstackAuth::Totp { passcode: secret, .. }
        | OpenstackAuth::ApplicationCredential { secret, .. }
        | OpenstackAuth::Token(secret) => vec![secret],
        OpenstackAuth::Several(all) => all.iter().flat_map(secrets).collect(),
        OpenstackAuth::Oidc(oidc) => {
            let own = match &oidc.grant {
                crate::model::account::OidcGrant::Password { password, .. } => Some(password),
                crate::model::account::OidcGrant::AccessToken(token) => Some(token),
                crate::model::account::OidcGrant::ClientCredentials => None,
            };
            own.into_iter().chain(&oidc.client_secret).collect()
        }
    }
}

/// Who logs in, for people.
pub fn who(auth: &OpenstackAuth) -> String {
    match auth {
        OpenstackAuth::Password { user, .. } | OpenstackAuth::Totp { user, .. } => format!("user {}", user.called.word()),
        OpenstackAuth::Token(_) => "the token".to_owned(),
        OpenstackAuth::ApplicationCredential { called, .. } => format!("application credential {}", called.word()),
        OpenstackAuth::Several(all) => all.first().map(who).unwrap_or_default(),
        OpenstackAuth::Oidc(oidc) => format!("identity provider {}", oidc.provider),
    }
}

/// Whether the same log-in works a second time.
pub fn lasts(auth: &OpenstackAuth) -> bool {
    match auth {
        OpenstackAuth::Totp { .. } => false,
        OpenstackAuth::Several(all) => all.iter().all(lasts),
        _ => true,
    }
}

/// What to do about credentials that are refused.
pub fn advice(account: &OpenstackAccount) -> String {
    let source = &account.source;
    match &account.auth {
        OpenstackAuth::Password { user, .. } => {
            let domain = user.domain.as_ref().map_or(DEFAULT_DOMAIN, Called::word);
            format!("check username, password and user_domain_name (now {domain}) in {source}")
        }
        OpenstackAuth::Totp { .. } | OpenstackAuth::Several(_) => {
            format!("a passcode works once: put the present one into {source}")
        }
        OpenstackAuth::Token(_) => format!("the token may have ended: put a new one into {source}"),
        OpenstackAuth::ApplicationCredential { .. } => {
            format!("it may have expired or been deleted: check application_credential_id and _secret in {source}")
        }
        OpenstackAuth::Oidc(_) => format!("check identity_provider, protocol and the provider's credentials in {source}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str, domain: Option<Called>) -> InDomain {
        InDomain { called: Called::Name(name.into()), domain }
    }

    #[test]
    fn a_password_log_in_says_user_domain_and_project() {
        let auth = OpenstackAuth::Password { user: name("ana", Some(Called::Name("lab".into()))), password: Secret::new("pw") };
        let body = body(&auth, &Scope::Project(name("demo", None)));
        assert_eq!(
            body,
            json!({ "auth": {
                "identity": { "methods": ["password"],
                    "password": { "user": { "name": "ana", "domain": { "name": "lab" }, "password": "pw" } } },
                "scope": { "project": { "name": "demo", "domain": { "name": "lab" } } },
            } })
        );
        assert_eq!(unscoped(&auth)["auth"]["scope"], json!("unscoped"));
        let by_id = InDomain { called: Called::Id("p1".into()), domain: Some(Called::Id("x".into())) };
        assert_eq!(super::body(&auth, &Scope::Project(by_id))["auth"]["scope"], json!({ "project": { "id": "p1" } }));
    }

    #[test]
    fn names_without_a_domain_are_in_the_default_one() {
        let auth = OpenstackAuth::Totp { user: name("ana", None), passcode: Secret::new("123456") };
        let body = body(&auth, &Scope::Project(name("demo", None)));
        assert_eq!(body["auth"]["identity"]["totp"]["user"]["domain"], json!({ "id": "default" }));
        assert_eq!(body["auth"]["scope"]["project"]["domain"], json!({ "id": "default" }));
        assert!(!lasts(&auth));
    }

    #[test]
    fn an_application_credential_has_a_scope_of_its_own() {
        let auth =
            |user| OpenstackAuth::ApplicationCredential { called: Called::Name("ci".into()), user, secret: Secret::new("s") };
        let body = body(&auth(Some(name("ana", None))), &Scope::Project(name("demo", None)));
        assert_eq!(body["auth"].get("scope"), None);
        let credential = &body["auth"]["identity"]["application_credential"];
        assert_eq!((&credential["name"], &credential["user"]["name"]), (&json!("ci"), &json!("ana")));
    }

    #[test]
    fn several_proofs_stand_side_by_side() {
        let auth = OpenstackAuth::Several(vec![
            OpenstackAuth::Password { user: name("ana", None), password: Secret::new("pw") },
            OpenstackAuth::Totp { user: name("ana", None), passcode: Secret::new("123456") },
        ]);
        let body = body(&auth, &Scope::System);
        assert_eq!(body["auth"]["identity"]["methods"], json!(["password", "totp"]));
        assert!(body["auth"]["identity"]["password"].is_object() && body["auth"]["identity"]["totp"].is_object());
        assert_eq!((secrets(&auth).len(), body["auth"]["scope"].clone()), (2, json!({ "system": { "all": true } })));
    }
}
