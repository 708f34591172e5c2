//! Proxies, as the environment names them. What is on this computer is never asked through one.

use reqwest::{NoProxy, Proxy};

use super::trouble;
use crate::model::Failure;

const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The proxies that `variable` tells of; the lower-case name goes first, as with curl.
///
/// # Errors
/// One is no address, or of a kind that is not known.
pub fn from(variable: impl Fn(&str) -> Option<String>) -> Result<Vec<Proxy>, Failure> {
    let value = |name: &str| {
        let found = variable(&name.to_lowercase()).filter(|v| !v.is_empty()).or_else(|| variable(name));
        found.filter(|value| !value.is_empty())
    };
    let no = format!("{LOOPBACK},{}", value("NO_PROXY").unwrap_or_default());
    if no.split(',').any(|part| part.trim() == "*") {
        return Ok(Vec::new());
    }
    let mut proxies = Vec::new();
    for (name, make) in [("HTTP_PROXY", Proxy::http as fn(String) -> _), ("HTTPS_PROXY", Proxy::https), ("ALL_PROXY", Proxy::all)]
    {
        let Some(address) = value(name) else { continue };
        // The address itself may hold a password: it stays out of the text.
        let wrong = |why: String| {
            Failure::refused("use the proxy of the environment", why)
                .at(format!("${name}"))
                .next("write http://HOST:PORT, start the engine anew: quarterdeck engine restart")
        };
        if let Some((scheme, _)) = address.split_once("://").filter(|(scheme, _)| !matches!(*scheme, "http" | "https")) {
            return Err(wrong(format!("a proxy of kind {scheme} cannot be used")));
        }
        let proxy = make(address).map_err(|e| wrong(trouble::words(&e)))?;
        proxies.push(proxy.no_proxy(NoProxy::from_string(&no)));
    }
    Ok(proxies)
}
