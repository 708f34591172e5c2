//! From the services' words to ours.

use std::collections::BTreeMap;

use serde_json::Value;

use super::wire;
use crate::model::{
    Address, AddressKind, CloudName, ClusterId, Flavor, FloatingIp, HomeId, Image, ImageStatus, KeyPair, Network, QuotaItem,
    Server, ServerAction, ServerEvent, ServerStatus, Tags, Time, Token,
};

/// Metadata of servers that an engine made.
const HOME: &str = "qd-home";
const CLUSTER: &str = "qd-cluster";
const NODE: &str = "qd-node";
const TOKEN: &str = "qd-token";

/// Users of images by the distribution that they name; what the distributions' own cloud images have.
const USERS: &[(&str, &str)] = &[
    ("almalinux", "almalinux"),
    ("alpine", "alpine"),
    ("arch", "arch"),
    ("centos", "cloud-user"),
    ("cirros", "cirros"),
    ("coreos", "core"),
    ("debian", "debian"),
    ("fedora", "fedora"),
    ("fedora-coreos", "core"),
    ("flatcar", "core"),
    ("freebsd", "freebsd"),
    ("gentoo", "gentoo"),
    ("opensuse", "opensuse"),
    ("rhel", "cloud-user"),
    ("rocky", "rocky"),
    ("sles", "sles"),
    ("ubuntu", "ubuntu"),
];

/// What the images' own services say of them that no reader asks for.
const NOISE: &[&str] = &["self", "file", "schema", "locations", "direct_url", "stores"];

/// A time as the services write it, with or without a zone (then UTC).
pub fn time(text: &str) -> Option<Time> {
    let stamp = |text: &str| text.parse::<jiff::Timestamp>().ok();
    stamp(text).or_else(|| stamp(&format!("{text}Z"))).map(|at| Time(at.as_millisecond()))
}

/// Metadata that makes a server findable.
pub fn metadata(tags: &Tags) -> BTreeMap<String, String> {
    BTreeMap::from([
        (HOME.to_owned(), tags.home.to_string()),
        (CLUSTER.to_owned(), tags.cluster.to_string()),
        (NODE.to_owned(), tags.node.clone()),
        (TOKEN.to_owned(), tags.token.0.clone()),
    ])
}

/// The mark of everything of a cluster: a tag of Nova and Neutron, at most 60 characters.
pub fn cluster_mark(cluster: ClusterId) -> String {
    format!("{CLUSTER}-{cluster}")
}

fn tags(metadata: &BTreeMap<String, String>) -> Option<Tags> {
    let uuid = |key: &str| metadata.get(key)?.parse::<uuid::Uuid>().ok();
    Some(Tags {
        home: HomeId(uuid(HOME)?),
        cluster: ClusterId(uuid(CLUSTER)?),
        node: metadata.get(NODE)?.clone(),
        token: Token(metadata.get(TOKEN)?.clone()),
    })
}

/// What names stand for ids.
#[derive(Default)]
pub struct Known<'a> {
    /// Images by id.
    pub images: BTreeMap<&'a str, &'a str>,
    /// Flavors by id, for clouds that name only that.
    pub flavors: BTreeMap<&'a str, &'a str>,
    /// Names of networks whose addresses can be reached from outside.
    pub external: Vec<&'a str>,
}

/// A server.
pub fn server(cloud: &CloudName, row: wire::Server, known: &Known<'_>) -> Server {
    let metadata = row.metadata.unwrap_or_default();
    let status = status(row.status.as_deref().unwrap_or_default(), row.task_state.as_deref());
    let flavor = row.flavor.map_or(String::new(), |flavor| {
        let id = flavor.id.unwrap_or_default();
        flavor.original_name.or_else(|| known.flavors.get(id.as_str()).map(|name| (*name).to_owned())).unwrap_or(id)
    });
    let image = match row.image {
        Some(wire::ServerImage::Image { id }) => known.images.get(id.as_str()).map_or(id.clone(), |name| (*name).to_owned()),
        Some(wire::ServerImage::Nothing(_)) | None => "(volume)".to_owned(),
    };
    let fault = row.fault.and_then(|fault| fault.message.or(fault.details)).filter(|text| !text.trim().is_empty());
    Server {
        cloud: cloud.clone(),
        name: row.name.unwrap_or_else(|| row.id.clone()),
        id: row.id,
        fault: fault.filter(|_| status == ServerStatus::Error),
        status,
        flavor,
        image,
        addresses: addresses(row.addresses.unwrap_or_default(), &known.external),
        ssh_port: 22,
        created: row.created.as_deref().and_then(time).unwrap_or(Time(0)),
        tags: tags(&metadata),
        metadata: metadata.into_iter().filter(|(key, _)| ![HOME, CLUSTER, NODE, TOKEN].contains(&key.as_str())).collect(),
    }
}

fn status(word: &str, task: Option<&str>) -> ServerStatus {
    match (word, task) {
        ("DELETED" | "SOFT_DELETED", _) | (_, Some("deleting" | "soft-deleting")) => ServerStatus::Deleting,
        ("BUILD", _) => ServerStatus::Build,
        ("ACTIVE", _) => ServerStatus::Active,
        ("SHUTOFF", _) => ServerStatus::Shutoff,
        ("REBOOT" | "HARD_REBOOT", _) => ServerStatus::Reboot,
        ("REBUILD", _) => ServerStatus::Rebuild,
        ("RESIZE" | "REVERT_RESIZE", _) => ServerStatus::Resize,
        ("VERIFY_RESIZE", _) => ServerStatus::VerifyResize,
        ("ERROR", _) => ServerStatus::Error,
        (other, _) => ServerStatus::Other(other.to_lowercase()),
    }
}

/// Addresses, those of the newer protocol last: not every network of a person carries it.
fn addresses(all: BTreeMap<String, Vec<wire::ServerAddress>>, external: &[&str]) -> Vec<Address> {
    let mut found: Vec<(u8, Address)> = Vec::new();
    for (network, rows) in all {
        for row in rows {
            let Some(ip) = row.addr else { continue };
            let public = row.kind.as_deref() == Some("floating") || external.contains(&network.as_str());
            let kind = if public { AddressKind::Public } else { AddressKind::Fixed };
            found.push((row.version.unwrap_or(4), Address { ip, kind, network: Some(network.clone()) }));
        }
    }
    found.sort_by_key(|(version, _)| *version);
    found.into_iter().map(|(_, address)| address).collect()
}

/// A flavor.
pub fn flavor(cloud: &CloudName, row: wire::Flavor) -> Flavor {
    let ephemeral = row.ephemeral.filter(|gb| *gb > 0).map_or(String::new(), |gb| format!("and {gb} GB of scratch disk"));
    Flavor {
        cloud: cloud.clone(),
        name: row.name.unwrap_or_else(|| row.id.clone()),
        id: row.id,
        vcpus: row.vcpus.unwrap_or_default(),
        ram_mb: row.ram.unwrap_or_default(),
        disk_gb: row.disk.unwrap_or_default(),
        note: ephemeral,
    }
}

/// An image; `None` for one that is gone already.
pub fn image(cloud: &CloudName, row: wire::Image) -> Option<Image> {
    let status = match row.status.as_deref().unwrap_or_default() {
        "active" => ImageStatus::Active,
        "queued" | "saving" | "uploading" | "importing" => ImageStatus::Saving,
        "deleted" | "pending_delete" => return None,
        _ => ImageStatus::Error,
    };
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Array(list) if !list.is_empty() => {
            Some(list.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(", ")).filter(|text| !text.is_empty())
        }
        _ => None,
    };
    let rest = row.rest.iter().filter(|(key, _)| !NOISE.contains(&key.as_str()));
    let mut properties: BTreeMap<String, String> = rest.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect();
    for (key, value) in [("min_disk", row.min_disk), ("min_ram", row.min_ram)] {
        properties.extend(value.filter(|v| *v > 0).map(|v| (key.to_owned(), v.to_string())));
    }
    let said = ["os_admin_user", "image_username", "login_name"].iter().find_map(|key| properties.get(*key).cloned());
    let distribution = properties.get("os_distro").map(|distro| distro.to_lowercase());
    let usual = distribution.and_then(|distro| USERS.iter().find(|(name, _)| *name == distro));
    Some(Image {
        cloud: cloud.clone(),
        name: row.name.filter(|name| !name.is_empty()).unwrap_or_else(|| row.id.clone()),
        id: row.id,
        status,
        size: row.size,
        created: row.created_at.as_deref().and_then(time),
        ssh_user: said.or_else(|| usual.map(|(_, user)| (*user).to_owned())),
        properties,
    })
}

/// Something that was done to a server.
pub fn action(row: wire::Action) -> ServerAction {
    let at = |text: &Option<String>| text.as_deref().and_then(time);
    let events = row.events.unwrap_or_default().into_iter().map(|event| ServerEvent {
        started: at(&event.start_time).unwrap_or(Time(0)),
        ended: at(&event.finish_time),
        event: event.event.unwrap_or_default(),
        result: event.result,
        details: event.details,
    });
    let mut events: Vec<ServerEvent> = events.collect();
    events.sort_by_key(|event| event.started);
    ServerAction {
        at: at(&row.start_time).unwrap_or(Time(0)),
        id: row.request_id,
        action: row.action.unwrap_or_default(),
        by: row.user_id,
        message: row.message,
        events,
    }
}

/// A network with its ranges.
pub fn network(cloud: &CloudName, row: &wire::Network, subnets: &[wire::Subnet]) -> Network {
    let own = subnets.iter().filter(|subnet| subnet.network_id.as_deref() == Some(row.id.as_str()));
    let mut ranges: Vec<(u8, &str)> = own.filter_map(|s| Some((s.ip_version.unwrap_or(4), s.cidr.as_deref()?))).collect();
    ranges.sort_unstable();
    let ranges: Vec<&str> = ranges.into_iter().map(|(_, range)| range).collect();
    Network {
        cloud: cloud.clone(),
        id: row.id.clone(),
        name: row.name.clone().filter(|name| !name.is_empty()).unwrap_or_else(|| row.id.clone()),
        cidr: (!ranges.is_empty()).then(|| ranges.join(", ")),
        external: row.external.unwrap_or(false),
    }
}

/// A key pair.
pub fn key_pair(cloud: &CloudName, row: wire::KeyPair) -> KeyPair {
    KeyPair { cloud: cloud.clone(), name: row.name, fingerprint: row.fingerprint.unwrap_or_default(), public_key: row.public_key }
}

/// A floating IP; `servers` are ids of servers by port, for clouds that do not say it beside.
pub fn floating_ip(cloud: &CloudName, row: wire::FloatingIp, servers: &BTreeMap<String, String>) -> FloatingIp {
    let told = row.port_details.and_then(|port| port.device_id).filter(|id| !id.is_empty());
    FloatingIp {
        cloud: cloud.clone(),
        server: told.or_else(|| row.port_id.as_ref().and_then(|port| servers.get(port).cloned())),
        port: row.port_id,
        description: row.description.unwrap_or_default(),
        address: row.floating_ip_address.unwrap_or_default(),
        id: row.id,
    }
}

/// A quota; a negative limit is none.
pub fn quota(name: &str, used: i64, limit: i64) -> QuotaItem {
    QuotaItem { name: name.to_owned(), used: u64::try_from(used).unwrap_or(0), limit: u64::try_from(limit).ok() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cloud() -> CloudName {
        CloudName::new("lab")
    }

    fn parse(text: &str) -> wire::Server {
        serde_json::from_str::<wire::OneServer>(text).unwrap().server
    }

    #[test]
    fn a_server_in_full() {
        let tags =
            Tags { home: HomeId::new(), cluster: ClusterId::new(), node: "web-1".into(), token: Token::from_random([3; 20]) };
        let mut text = serde_json::json!({ "server": {
            "id": "s1", "name": "web-1", "status": "ACTIVE", "created": "2026-11-20T13:20:52Z",
            "flavor": { "vcpus": 1, "original_name": "m1.nano" }, "image": { "id": "i1" },
            "addresses": {
                "private": [{ "version": 6, "addr": "fd00::5", "OS-EXT-IPS:type": "fixed" },
                            { "version": 4, "addr": "10.1.0.5", "OS-EXT-IPS:type": "fixed" },
                            { "version": 4, "addr": "172.24.0.9", "OS-EXT-IPS:type": "floating" }] },
            "OS-EXT-STS:task_state": null, "new field": [1, 2] } });
        text["server"]["metadata"] = serde_json::to_value(metadata(&tags)).unwrap();
        text["server"]["metadata"]["mine"] = "1".into();
        let known = Known { images: BTreeMap::from([("i1", "debian-12")]), ..Known::default() };
        let server = server(&cloud(), parse(&text.to_string()), &known);
        assert_eq!(
            (server.status.clone(), server.flavor.as_str(), server.image.as_str()),
            (ServerStatus::Active, "m1.nano", "debian-12")
        );
        assert_eq!((server.tags.clone(), server.address()), (Some(tags), Some("172.24.0.9")));
        assert_eq!(server.addresses.last().unwrap().ip, "fd00::5");
        assert_eq!(server.metadata, BTreeMap::from([("mine".into(), "1".into())]));
        assert_eq!(server.created, Time(1_795_180_852_000));
    }

    #[test]
    fn whatever_is_missing_is_not_said() {
        let bare = server(&cloud(), parse(r#"{"server": {"id": "s1"}}"#), &Known::default());
        assert_eq!((bare.name.as_str(), bare.status, bare.tags), ("s1", ServerStatus::Other(String::new()), None));
        let null = r#"{"server": {"id": "s1", "name": null, "image": "", "flavor": {"id": "f1"}, "addresses": null,
            "fault": {"code": 500, "message": "No valid host was found."}, "metadata": null, "status": "ERROR"}}"#;
        let null = server(&cloud(), parse(null), &Known { flavors: BTreeMap::from([("f1", "big")]), ..Known::default() });
        assert_eq!((null.flavor.as_str(), null.image.as_str()), ("big", "(volume)"));
        assert_eq!(null.fault.as_deref(), Some("No valid host was found."));
    }

    #[test]
    fn states_are_those_of_our_words() {
        for (word, task, status_is) in [
            ("ACTIVE", Some("deleting"), ServerStatus::Deleting),
            ("SOFT_DELETED", None, ServerStatus::Deleting),
            ("HARD_REBOOT", None, ServerStatus::Reboot),
            ("VERIFY_RESIZE", None, ServerStatus::VerifyResize),
            ("MIGRATING", None, ServerStatus::Other("migrating".into())),
        ] {
            assert_eq!(status(word, task), status_is);
        }
        let addresses = addresses(
            BTreeMap::from([(
                "pub".to_owned(),
                vec![wire::ServerAddress { addr: Some("1.2.3.4".into()), version: None, kind: None }],
            )]),
            &["pub"],
        );
        assert_eq!(addresses[0].kind, AddressKind::Public);
    }

    #[test]
    fn an_image_says_its_user_or_its_distribution_does() {
        let image_of = |text: &str| image(&cloud(), serde_json::from_str(text).unwrap());
        let debian = image_of(
            r#"{"id": "i", "name": "d", "status": "active", "size": 5, "os_distro": "Debian", "min_ram": 512, "self": "/v2/x", "tags": []}"#,
        )
        .unwrap();
        assert_eq!((debian.ssh_user.as_deref(), debian.properties["min_ram"].as_str()), (Some("debian"), "512"));
        assert!(!debian.properties.contains_key("self") && !debian.properties.contains_key("tags"));
        let named =
            image_of(r#"{"id": "i", "status": "queued", "os_distro": "debian", "os_admin_user": "ana", "size": null}"#).unwrap();
        assert_eq!((named.ssh_user.as_deref(), named.status, named.size), (Some("ana"), ImageStatus::Saving, None));
        assert!(image_of(r#"{"id": "i", "status": "deleted"}"#).is_none());
        assert_eq!(image_of(r#"{"id": "i", "status": "killed"}"#).unwrap().status, ImageStatus::Error);
    }

    #[test]
    fn times_come_in_several_forms() {
        for text in
            ["2026-11-20T13:20:52Z", "2026-11-20T13:20:52.000000", "2026-11-20T13:20:52.000000Z", "2026-11-20T14:20:52+01:00"]
        {
            assert_eq!(time(text), Some(Time(1_795_180_852_000)), "{text}");
        }
        assert_eq!(time("soon"), None);
        assert_eq!((quota("servers", 2, -1).limit, quota("servers", -1, 5).used), (None, 0));
        assert!(cluster_mark(ClusterId::new()).len() <= 60);
    }
}
