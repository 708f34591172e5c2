//! Public clouds that openstacksdk ships profiles of, as far as they speak Keystone v3 and say where they are.

use super::super::yaml::Node;

/// Name, Keystone, regions; `{region_name}` stands for the region. Without regions the catalog says them.
const PROFILES: &[(&str, &str, &[&str])] = &[
    ("auro", "https://api.van2.auro.io:5000/v3", &["RegionOne"]),
    ("binero", "https://auth.binero.cloud:5000/v3", &["europe-se-1"]),
    ("catalyst", "https://api.cloud.catalyst.net.nz:5000/v3", &["nz-por-1", "nz_wlg_2"]),
    ("citycloud", "https://{region_name}.citycloud.com:5000/v3/", &["Buf1", "Fra1", "Sto2", "Kna1", "dx1", "tky1"]),
    ("dreamcompute", "https://iad2.dream.io:5000", &["RegionOne"]),
    ("elastx", "https://ops.elastx.cloud:5000/v3", &["se-sto"]),
    ("entercloudsuite", "https://api.entercloudsuite.com/", &["it-mil1", "nl-ams1", "de-fra1"]),
    ("otc", "https://iam.{region_name}.otc.t-systems.com/v3", &["eu-de", "eu-nl"]),
    ("otc-swiss", "https://iam-pub.eu-ch2.sc.otc.t-systems.com/v3", &["eu-ch2"]),
    ("ovh-us", "https://auth.cloud.ovh.us/", &["US-EAST-VA-1", "US-WEST-OR-1", "US-EAST-VA", "US-WEST-OR"]),
    ("switchcloud", "https://identity.compute.cloud.switch.ch/v3", &["zhw", "zhc"]),
    ("switchengines", "https://keystone.cloud.switch.ch:5000/v3", &["LS", "ZH"]),
    ("zetta", "https://identity.api.zetta.io/v3", &["no-osl1"]),
];

/// The profile of this name.
pub fn profile(name: &str) -> Option<Node> {
    let (_, url, regions) = PROFILES.iter().find(|(known, ..)| *known == name)?;
    let mut auth = Node::map();
    auth.set("auth_url", Node::Plain((*url).to_owned()));
    let mut node = Node::map();
    node.set("auth", auth);
    node.set("regions", Node::List(regions.iter().map(|region| Node::Plain((*region).to_owned())).collect()));
    Some(node)
}
