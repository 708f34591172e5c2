//! Names and ids: lists that change seldom, kept for a short while, so that fifty servers ask for them once.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::belongings::is_marked;
use super::catalog::Service;
use super::convert::Known;
use super::session::{Call, Session};
use super::wire;
use crate::base::Cx;
use crate::model::{Class, Failure};

/// How old a list may be for a create.
pub const FRESH: Duration = Duration::from_secs(60);
/// How old it may be for the names beside a server.
const OLD: Duration = Duration::from_secs(600);
/// Names in one message.
const NAMED: usize = 10;

/// A list that is kept.
struct Kept<T>(tokio::sync::Mutex<Option<(Instant, Arc<Vec<T>>)>>);

impl<T> Default for Kept<T> {
    fn default() -> Self {
        Self(tokio::sync::Mutex::default())
    }
}

impl<T> Kept<T> {
    /// The list, read when it is older than `age`; who comes meanwhile waits for the same.
    async fn get(&self, age: Duration, read: impl Future<Output = Result<Vec<T>, Failure>>) -> Result<Arc<Vec<T>>, Failure> {
        let mut held = self.0.lock().await;
        if let Some((at, list)) = held.as_ref().filter(|(at, _)| at.elapsed() < age) {
            let _ = at;
            return Ok(Arc::clone(list));
        }
        let list = Arc::new(read.await?);
        *held = Some((Instant::now(), Arc::clone(&list)));
        Ok(list)
    }

    /// The next who asks reads it anew.
    async fn forget(&self) {
        *self.0.lock().await = None;
    }
}

/// See the module.
#[derive(Default)]
pub struct Names {
    flavors: Kept<wire::Flavor>,
    images: Kept<wire::Image>,
    networks: Kept<wire::Network>,
}

/// What stands for the ids of servers, held while they are converted.
#[derive(Default)]
pub struct Lookup {
    images: Arc<Vec<wire::Image>>,
    flavors: Arc<Vec<wire::Flavor>>,
    networks: Arc<Vec<wire::Network>>,
}

impl Lookup {
    pub fn known(&self) -> Known<'_> {
        let external = self.networks.iter().filter(|net| net.external == Some(true));
        Known {
            images: self.images.iter().filter_map(|i| Some((i.id.as_str(), i.name.as_deref()?))).collect::<BTreeMap<_, _>>(),
            flavors: self.flavors.iter().filter_map(|f| Some((f.id.as_str(), f.name.as_deref()?))).collect(),
            external: external.filter_map(|net| net.name.as_deref()).collect(),
        }
    }
}

pub async fn read_flavors(session: &Session, cx: &Cx) -> Result<Vec<wire::Flavor>, Failure> {
    let all = session.all::<wire::Flavors>(cx, &Call::get(Service::Compute, "/flavors/detail", "list flavors")).await?;
    Ok(all.into_iter().filter(|flavor| flavor.disabled != Some(true)).collect())
}

pub async fn read_images(session: &Session, cx: &Cx) -> Result<Vec<wire::Image>, Failure> {
    let call = Call::get(Service::Image, "/images", "list images").query(&[("limit", "1000")]);
    session.all::<wire::Images>(cx, &call).await
}

pub async fn read_networks(session: &Session, cx: &Cx) -> Result<Vec<wire::Network>, Failure> {
    session.all::<wire::Networks>(cx, &Call::get(Service::Network, "/networks", "list networks")).await
}

impl Names {
    /// The names beside servers. A service that does not answer leaves ids in their place.
    pub async fn lookup(&self, session: &Session, cx: &Cx) -> Lookup {
        let embedded = session.place(cx, Service::Compute).await.is_ok_and(|place| place.speaks(47));
        let flavors =
            async { if embedded { Ok(Arc::default()) } else { self.flavors.get(OLD, read_flavors(session, cx)).await } };
        let images = self.images.get(OLD, read_images(session, cx));
        let networks = self.networks.get(OLD, read_networks(session, cx));
        let (flavors, images, networks) = tokio::join!(flavors, images, networks);
        Lookup {
            images: images.unwrap_or_default(),
            flavors: flavors.unwrap_or_default(),
            networks: networks.unwrap_or_default(),
        }
    }

    /// The id of the flavor called `word`, and its name.
    ///
    /// # Errors
    /// There is none, or several of that name.
    pub async fn flavor(&self, session: &Session, cx: &Cx, word: &str, tried: &str) -> Result<(String, String), Failure> {
        for age in [FRESH, Duration::ZERO] {
            let list = self.flavors.get(age, read_flavors(session, cx)).await?;
            match pick("flavor", word, &list, |f| (f.id.as_str(), f.name.as_deref()), tried) {
                Ok(found) => return Ok((found.id.clone(), found.name.clone().unwrap_or_else(|| found.id.clone()))),
                // It may be newer than the list.
                Err(failure) if age.is_zero() => return Err(failure),
                Err(_) => {}
            }
        }
        unreachable!("the last age is zero")
    }

    /// The same of an image.
    ///
    /// # Errors
    /// As of a flavor.
    pub async fn image(&self, session: &Session, cx: &Cx, word: &str, tried: &str) -> Result<(String, String), Failure> {
        for age in [FRESH, Duration::ZERO] {
            let list = self.images.get(age, read_images(session, cx)).await?;
            match pick("image", word, &list, |i| (i.id.as_str(), i.name.as_deref()), tried) {
                Ok(found) => return Ok((found.id.clone(), found.name.clone().unwrap_or_else(|| found.id.clone()))),
                Err(failure) if age.is_zero() => return Err(failure),
                Err(_) => {}
            }
        }
        unreachable!("the last age is zero")
    }

    /// The network called `word`.
    ///
    /// # Errors
    /// As of a flavor.
    pub async fn network(&self, session: &Session, cx: &Cx, word: &str, tried: &str) -> Result<wire::Network, Failure> {
        for age in [FRESH, Duration::ZERO] {
            let list = self.networks.get(age, read_networks(session, cx)).await?;
            match pick("network", word, &list, |n| (n.id.as_str(), n.name.as_deref()), tried) {
                Ok(found) => return Ok(found.clone()),
                Err(failure) if age.is_zero() => return Err(failure),
                Err(_) => {}
            }
        }
        unreachable!("the last age is zero")
    }

    /// The network of servers that name none, from a list that may be so old: the one of the account, else the only one
    /// of the project that has addresses, else the only shared one. Networks of clusters are nobody else's.
    ///
    /// # Errors
    /// The account names one that is not there; the list cannot be read.
    pub async fn usual_network(&self, session: &Session, cx: &Cx, age: Duration, tried: &str) -> Result<Usual, Failure> {
        if let Some(word) = &session.account.network {
            return Ok(Usual::Is(Box::new(self.network(session, cx, word, tried).await?)));
        }
        let list = self.networks.get(age, read_networks(session, cx)).await?;
        let project = session.token(cx).await?;
        let own = |net: &wire::Network| {
            let owner = net.project_id.as_deref().or(net.tenant_id.as_deref());
            owner.is_some() && owner == project.project()
        };
        let usable = |net: &&wire::Network| {
            let addresses = net.subnets.as_ref().is_none_or(|subnets| !subnets.is_empty());
            net.external != Some(true) && addresses && !is_marked(net.description.as_deref())
        };
        let inner = || list.iter().filter(usable);
        let own: Vec<&wire::Network> = inner().filter(|n| own(n)).collect();
        let candidates = if own.is_empty() { inner().filter(|n| n.shared == Some(true)).collect() } else { own };
        Ok(match candidates.as_slice() {
            [one] => Usual::Is(Box::new((*one).clone())),
            [] => Usual::Missing,
            several => Usual::Several(several.iter().map(|n| n.name.as_deref().unwrap_or(&n.id).to_owned()).collect()),
        })
    }

    /// The network to the outside: the one of the account, else the only one there is; `None` where there is none.
    ///
    /// # Errors
    /// There are several, and the account names none, or one that is not there.
    pub async fn external_network(&self, session: &Session, cx: &Cx, tried: &str) -> Result<Option<wire::Network>, Failure> {
        if let Some(word) = &session.account.external_network {
            return self.network(session, cx, word, tried).await.map(Some);
        }
        let list = self.networks.get(FRESH, read_networks(session, cx)).await?;
        let outside: Vec<&wire::Network> = list.iter().filter(|net| net.external == Some(true)).collect();
        match outside.as_slice() {
            [] => Ok(None),
            [one] => Ok(Some((*one).clone())),
            several => {
                let names: Vec<&str> = several.iter().take(NAMED).map(|n| n.name.as_deref().unwrap_or(&n.id)).collect();
                let got = format!("the cloud has {} external networks and none was named: {}", several.len(), names.join(", "));
                let next = "name one as `external_network` of the cloud: quarterdeck cloud set";
                Err(Failure::refused(tried, got).at(&session.account.auth_url).next(next))
            }
        }
    }

    /// The list of networks has changed.
    pub async fn forget_networks(&self) {
        self.networks.forget().await;
    }
}

/// What servers are on that name no network.
pub enum Usual {
    Is(Box<wire::Network>),
    Missing,
    /// Names of those that it could be.
    Several(Vec<String>),
}

impl Usual {
    /// Why nobody can say which, in words.
    pub fn unclear(names: &[String]) -> String {
        let some: Vec<&str> = names.iter().take(NAMED).map(String::as_str).collect();
        format!("the project has {} networks and none was named: {}", names.len(), some.join(", "))
    }
}

/// The row called `word`, by id or name.
fn pick<'a, T>(
    what: &str,
    word: &str,
    rows: &'a [T],
    names: impl Fn(&T) -> (&str, Option<&str>),
    tried: &str,
) -> Result<&'a T, Failure> {
    if let Some(row) = rows.iter().find(|row| names(row).0 == word) {
        return Ok(row);
    }
    let found: Vec<&T> = rows.iter().filter(|row| names(row).1 == Some(word)).collect();
    match found.as_slice() {
        [row] => Ok(row),
        [] => {
            let mut valid: Vec<&str> = rows.iter().filter_map(|row| names(row).1).collect();
            valid.sort_by_key(|name| (strsim::damerau_levenshtein(word, name), *name));
            valid.dedup();
            let more = valid.len().saturating_sub(NAMED);
            valid.truncate(NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let next = format!("there are: {}{more}", valid.join(", "));
            Err(Failure::not_found(tried, format!("there is no {what} {word:?}")).next(next))
        }
        several => {
            let ids: Vec<&str> = several.iter().take(NAMED).map(|row| names(row).0).collect();
            let got = format!("there are {} {what}s called {word:?}", several.len());
            Err(Failure::new(Class::Refused, tried, got).next(format!("name one by its id: {}", ids.join(", "))))
        }
    }
}
