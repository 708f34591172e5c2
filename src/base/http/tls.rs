//! The client behind the settings: TLS, proxies, pool.

use std::path::Path;

use reqwest::{Certificate, ClientBuilder, Identity, redirect};

use super::settings::Settings;
use super::{proxy, trouble};
use crate::model::Failure;

/// Unused connections to one host, at most.
const IDLE_CONNECTIONS: usize = 32;

/// The client; and, where this computer trusts nobody, why `https` will not work.
pub fn client(settings: &Settings) -> Result<(reqwest::Client, Option<String>), Failure> {
    let first = match builder(settings)?.build() {
        Ok(client) => return Ok((client, None)),
        Err(error) => error,
    };
    // Without any certificate of an authority on this computer plain http works all the same.
    let why = trouble::words(&first);
    let without = builder(settings)?.tls_certs_only(std::iter::empty()).build();
    let client = without.map_err(|_| {
        Failure::refused("set up TLS", &why).next("check the certificate files of this place and the computer's own")
    })?;
    Ok((client, Some(why)))
}

fn builder(settings: &Settings) -> Result<ClientBuilder, Failure> {
    let mut builder = reqwest::Client::builder()
        .user_agent(concat!("quarterdeck/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(settings.times.connect)
        .pool_idle_timeout(settings.times.keep)
        .pool_max_idle_per_host(IDLE_CONNECTIONS)
        .tcp_nodelay(true)
        .redirect(redirect::Policy::none())
        .referer(false)
        // Repeating is decided here, by what a call does.
        .retry(reqwest::retry::never())
        .no_proxy();
    match &settings.socket {
        // Nothing stands between.
        Some(socket) => builder = builder.unix_socket(socket.as_path()),
        None => {
            for proxy in proxy::from(|name| std::env::var(name).ok())? {
                builder = builder.proxy(proxy);
            }
        }
    }
    if settings.only_http1 {
        builder = builder.http1_only();
    }
    let tls = &settings.tls;
    if let Some(path) = &tls.ca_file {
        let pem = read("read the CA file", path)?;
        let found = Certificate::from_pem_bundle(&pem).map_err(|e| unfit("read the CA file", path, &e))?;
        if found.is_empty() {
            return Err(Failure::refused("read the CA file", "there is no certificate in it").at(path.display()));
        }
        builder = builder.tls_certs_merge(found);
    }
    if let Some(path) = &tls.certificate {
        let mut pem = zeroize::Zeroizing::new(read("read the client certificate", path)?);
        if let Some(key) = &tls.key {
            pem.push(b'\n');
            pem.extend_from_slice(&zeroize::Zeroizing::new(read("read the key of the client certificate", key)?));
        }
        builder = builder.identity(Identity::from_pem(&pem).map_err(|e| unfit("use the client certificate", path, &e))?);
    }
    Ok(builder.tls_danger_accept_invalid_certs(!tls.verify))
}

fn read(tried: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    std::fs::read(path).map_err(|e| Failure::refused(tried, e).at(path.display()).next("check the path and its rights"))
}

fn unfit(tried: &str, path: &Path, error: &reqwest::Error) -> Failure {
    Failure::refused(tried, trouble::words(error)).at(path.display()).next("it must be a PEM file: -----BEGIN CERTIFICATE-----")
}
