//! Where the services are: the catalog of a token, versions, microversions.

use std::fmt;

use super::wire::{CatalogEntry, TokenBody, Versions};
use crate::base::http::Url;
use crate::model::Failure;
use crate::model::account::{OpenstackAccount, ServiceChoice};

/// The newest microversion of Nova that this driver was written for.
const COMPUTE: Microversion = Microversion(2, 96);

/// A service of the cloud.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Service {
    Compute,
    Image,
    Network,
    Volume,
}

impl Service {
    /// As clouds.yaml calls it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Compute => "compute",
            Self::Image => "image",
            Self::Network => "network",
            Self::Volume => "block_storage",
        }
    }

    /// Its types in catalogs, the one of today first.
    fn types(self) -> &'static [&'static str] {
        match self {
            Self::Compute => &["compute"],
            Self::Image => &["image"],
            Self::Network => &["network"],
            Self::Volume => &["block-storage", "volumev3", "block-store", "volume"],
        }
    }

    /// What stands behind an address without a version.
    fn version(self) -> &'static str {
        match self {
            Self::Volume => "v3",
            Self::Compute => "v2.1",
            Self::Image => "v2",
            Self::Network => "v2.0",
        }
    }
}

/// A version of a version: `2.96`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Microversion(pub u32, pub u32);

impl Microversion {
    /// Reads `2.96`.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        Some(Self(major.parse().ok()?, minor.parse().ok()?))
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

/// Where a service is, and how it is spoken to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Place {
    /// With its version, without a slash at the end.
    pub base: Url,
    /// `None`: it knows none, or was not asked.
    pub microversion: Option<Microversion>,
}

impl Place {
    /// Whether it speaks this microversion.
    pub fn speaks(&self, minor: u32) -> bool {
        self.microversion.is_some_and(|version| version >= Microversion(2, minor))
    }

    /// The address of a path below it.
    pub fn at(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        let base = url.path().trim_end_matches('/').to_owned();
        url.set_path(&format!("{base}{path}"));
        url
    }
}

/// The address of a service, as the settings or the catalog say it.
///
/// # Errors
/// The catalog has no such service, or none in this region or of this interface: with what there is.
pub fn address(account: &OpenstackAccount, token: &TokenBody, service: Service) -> Result<Url, Failure> {
    let tried = format!("find the {} service", service.word());
    let none = ServiceChoice::default();
    let choice = account.services.get(service.word()).unwrap_or(&none);
    let wrong = |text: &str| {
        Failure::refused(&tried, format!("{text:?} is no address"))
            .at(&account.source)
            .next("correct the catalog, or set an endpoint_override")
    };
    if let Some(text) = &choice.endpoint {
        return Url::parse(text).map_err(|_| wrong(text));
    }
    let types: Vec<&str> = choice.service_type.as_deref().into_iter().chain(service.types().iter().copied()).collect();
    let named = |entry: &&CatalogEntry| choice.service_name.is_none() || entry.name == choice.service_name;
    let entry = types.iter().find_map(|kind| token.catalog.iter().filter(named).find(|entry| entry.kind == *kind));
    let Some(entry) = entry else {
        let known = sorted(token.catalog.iter().map(|entry| entry.kind.as_str()));
        let got = if known.is_empty() {
            "the catalog is empty: the token is for no project".to_owned()
        } else {
            format!("the catalog has no {} service", service.word())
        };
        let next = match known.is_empty() {
            true => format!("set project_name in {}", account.source),
            false => format!("it has: {known}"),
        };
        return Err(Failure::not_found(tried, got).at(&account.auth_url).next(next));
    };
    let region = choice.region.as_ref().or(account.region.as_ref());
    let there = |endpoint: &&super::wire::CatalogEndpoint| {
        region.is_none_or(|region| endpoint.region.as_ref() == Some(region) || endpoint.region_id.as_ref() == Some(region))
    };
    let mut here = entry.endpoints.iter().filter(there).peekable();
    if here.peek().is_none() {
        let known = sorted(entry.endpoints.iter().filter_map(|e| e.region.as_deref().or(e.region_id.as_deref())));
        let got = format!("there is no region {:?} with a {} service", region.cloned().unwrap_or_default(), service.word());
        return Err(Failure::not_found(tried, got)
            .at(&account.auth_url)
            .next(format!("set region_name; the regions are: {known}")));
    }
    let here: Vec<_> = here.collect();
    let wanted = choice.interface.into_iter().chain(account.interfaces.iter().copied());
    let found = wanted.clone().find_map(|interface| {
        let of = |word: &str| word.strip_suffix("URL").unwrap_or(word) == interface.word();
        here.iter().find(|endpoint| endpoint.interface.as_deref().is_some_and(of))
    });
    let Some(url) = found.and_then(|endpoint| endpoint.url.as_deref()) else {
        let known = sorted(here.iter().filter_map(|e| e.interface.as_deref()));
        let words = wanted.map(|interface| interface.word()).collect::<Vec<_>>().join(", ");
        let got = format!("the {} service has no {words} address", service.word());
        return Err(Failure::not_found(tried, got).at(&account.auth_url).next(format!("set interface; it has: {known}")));
    };
    Url::parse(url).map_err(|_| wrong(url))
}

fn sorted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: std::collections::BTreeSet<&str> = words.collect();
    words.into_iter().collect::<Vec<_>>().join(", ")
}

/// The address with its version: that of the catalog, or the one that stands there by custom. A project at its end
/// is taken away, since tokens say it too.
pub fn versioned(service: Service, address: &Url, project: Option<&str>) -> Url {
    let mut url = address.clone();
    let mut parts: Vec<String> = url.path().split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    if let (Some(last), Some(project)) = (parts.last(), project)
        && (last == project || *last == format!("AUTH_{project}"))
        && service == Service::Compute
    {
        parts.pop();
    }
    let is_version = |part: &String| part.strip_prefix('v').is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
    match parts.last() {
        // Nova's v2 is the old interface without microversions: v2.1 is beside it wherever it still runs.
        Some(last) if last == "v2" && service == Service::Compute => {
            parts.pop();
            parts.push("v2.1".to_owned());
        }
        Some(_) if parts.iter().any(is_version) => {}
        _ => parts.push(service.version().to_owned()),
    }
    url.set_path(&format!("/{}", parts.join("/")));
    url
}

/// The microversion to speak, of what Nova says that it can; `chosen` goes before.
///
/// # Errors
/// It is too new for this driver, or does not speak what was chosen.
pub fn microversion(told: &Versions, chosen: Option<&str>, at: &Url) -> Result<Option<Microversion>, Failure> {
    const TRIED: &str = "agree on a microversion with the compute service";
    let one = told.version.as_ref().or_else(|| told.versions.iter().find(|v| v.id.as_deref() == Some("v2.1")));
    let read = |text: &Option<String>| text.as_deref().and_then(Microversion::parse);
    let Some(newest) = one.and_then(|version| read(&version.version)) else { return Ok(None) };
    let oldest = one.and_then(|version| read(&version.min_version)).unwrap_or(Microversion(2, 1));
    let range = format!("it speaks {oldest} to {newest}");
    let wanted = match chosen {
        Some(text) => Microversion::parse(text)
            .ok_or_else(|| Failure::refused(TRIED, format!("{text:?} is no microversion")).at(at).next("write 2.NUMBER"))?,
        None => COMPUTE.min(newest),
    };
    if wanted < oldest || wanted > newest {
        let next = if chosen.is_some() { "take compute_default_microversion out" } else { "use a newer version of this program" };
        return Err(Failure::refused(TRIED, format!("{range}, and not {wanted}")).at(at).next(next));
    }
    Ok(Some(wanted))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn url(text: &str) -> Url {
        Url::parse(text).unwrap()
    }

    #[test]
    fn addresses_get_their_version() {
        for (service, from, to) in [
            (Service::Compute, "http://h:8774/v2.1", "http://h:8774/v2.1"),
            (Service::Compute, "http://h:8774/v2.1/p1", "http://h:8774/v2.1"),
            (Service::Compute, "https://h/compute/v2/p1/", "https://h/compute/v2.1"),
            (Service::Compute, "https://h/compute", "https://h/compute/v2.1"),
            (Service::Image, "http://h:9292", "http://h:9292/v2"),
            (Service::Image, "http://h/image/v2/", "http://h/image/v2"),
            (Service::Network, "http://h:9696/", "http://h:9696/v2.0"),
            (Service::Network, "http://h/networking/v2.0", "http://h/networking/v2.0"),
            (Service::Volume, "http://h/volume/v3/p1", "http://h/volume/v3/p1"),
        ] {
            assert_eq!(versioned(service, &url(from), Some("p1")), url(to), "{from}");
        }
        let place = Place { base: url("http://h/net/v2.0"), microversion: None };
        assert_eq!(place.at("/networks").as_str(), "http://h/net/v2.0/networks");
    }

    #[test]
    fn microversions_are_agreed_on() {
        let told = |min: &str, max: &str| Versions {
            version: Some(super::super::wire::Version { id: None, version: Some(max.into()), min_version: Some(min.into()) }),
            versions: Vec::new(),
        };
        let at = url("http://h/v2.1");
        let speak = |told: &Versions, chosen| microversion(told, chosen, &at).map(|v| v.map(|v| v.to_string()));
        assert_eq!(speak(&told("2.1", "2.104"), None).unwrap().as_deref(), Some("2.96"));
        assert_eq!(speak(&told("2.1", "2.9"), None).unwrap().as_deref(), Some("2.9"));
        assert_eq!(speak(&told("2.1", "2.104"), Some("2.60")).unwrap().as_deref(), Some("2.60"));
        assert_eq!(speak(&told("", ""), None).unwrap(), None, "an old cloud has none");
        assert_eq!(speak(&Versions::default(), None).unwrap(), None);
        let failure = speak(&told("2.100", "2.120"), None).unwrap_err();
        assert!(failure.got.contains("2.100 to 2.120"), "{failure}");
        assert!(speak(&told("2.1", "2.50"), Some("2.60")).unwrap_err().next.contains("compute_default_microversion"));
    }
}
