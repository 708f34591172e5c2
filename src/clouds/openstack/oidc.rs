//! Federated log-in: an OpenID provider gives an access token, Keystone takes it for a token of its own.

use secrecy::SecretString;
use serde::Deserialize;

use super::session::{Session, encode};
use crate::base::Cx;
use crate::base::http::{Answer, Body, Method, Repeat, Request, Url};
use crate::model::Failure;
use crate::model::account::{Oidc, OidcGrant};

#[derive(Deserialize)]
struct Discovery {
    token_endpoint: String,
}

#[derive(Deserialize)]
struct Access {
    access_token: String,
}

/// Logs in; the answer holds a token without scope in its headers, as that of any log-in.
///
/// # Errors
/// The provider or Keystone refuses, or one of the addresses is wrong.
pub async fn log_in(session: &Session, cx: &Cx, oidc: &Oidc, tried: &str) -> Result<(Answer, Request), Failure> {
    let access = match &oidc.grant {
        OidcGrant::AccessToken(token) => token.get().clone(),
        _ => access(session, cx, oidc, tried).await?,
    };
    let auth_url = session.account.auth_url.as_str();
    let base = auth_url.strip_suffix("/v3").unwrap_or(auth_url);
    let path = format!("{base}/v3/OS-FEDERATION/identity_providers/{}/protocols/{}/auth", oidc.provider, oidc.protocol);
    let bearer = SecretString::from(format!("Bearer {}", secrecy::ExposeSecret::expose_secret(&access)));
    let request = Request::new(Method::POST, address(&path, tried)?, tried)
        .secret_header("authorization", &bearer)
        .hide(&access)
        .repeat(Repeat::Always);
    let answer = session.http().send(cx, &request).await?;
    Ok((answer.ok(&request).map_err(|f| f.next(super::identity::advice(&session.account)))?, request))
}

/// An access token of the provider.
async fn access(session: &Session, cx: &Cx, oidc: &Oidc, tried: &str) -> Result<SecretString, Failure> {
    let endpoint = match (&oidc.token_endpoint, &oidc.discovery) {
        (Some(endpoint), _) => endpoint.clone(),
        (None, discovery) => {
            let request = Request::new(Method::GET, address(discovery.as_deref().unwrap_or_default(), tried)?, tried);
            let answer = session.http().send(cx, &request).await?.ok(&request)?;
            answer.json::<Discovery>(&request)?.token_endpoint
        }
    };
    let mut form = vec![("scope", oidc.scope.as_str())];
    let (id, secret) = (oidc.client.as_deref().unwrap_or_default(), oidc.client_secret.as_ref());
    match &oidc.grant {
        OidcGrant::Password { user, password } => {
            form.extend([("grant_type", "password"), ("username", user.as_str()), ("password", password.expose())]);
        }
        _ => form.push(("grant_type", "client_credentials")),
    }
    if secret.is_none() && !id.is_empty() {
        form.push(("client_id", id));
    }
    let mut request = Request::new(Method::POST, address(&endpoint, tried)?, tried)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Body::Bytes(encode(&form).into()))
        .repeat(Repeat::Always);
    for hidden in super::identity::secrets(&session.account.auth) {
        request = request.hide(hidden.get());
    }
    if let Some(secret) = secret {
        use base64::Engine;
        let pair = base64::engine::general_purpose::STANDARD.encode(format!("{id}:{}", secret.expose()));
        request = request.secret_header("authorization", &SecretString::from(format!("Basic {pair}")));
    }
    let answer = session.http().send(cx, &request).await?.ok(&request)?;
    Ok(SecretString::from(answer.json::<Access>(&request)?.access_token))
}

fn address(text: &str, tried: &str) -> Result<Url, Failure> {
    Url::parse(text)
        .map_err(|_| Failure::refused(tried, format!("{text:?} is no address")).next("check the provider's addresses"))
}
