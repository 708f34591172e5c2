//! Images from files of this computer, for clouds that take uploads.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use quarterdeck::base::{Cx, Progress};
use quarterdeck::model::{Class, ImageStatus, NewImage, Token};

use super::Fixture;

#[derive(Default)]
struct Heard(Mutex<Vec<(u64, Option<u64>)>>);

impl Progress for Heard {
    fn progress(&self, done: u64, total: Option<u64>, _what: &str) {
        self.0.lock().unwrap().push((done, total));
    }
}

fn new_image(name: &str, path: &Path) -> NewImage {
    NewImage {
        name: name.to_owned(),
        path: path.to_owned(),
        disk_format: None,
        min_disk_gb: 1,
        min_ram_mb: 64,
        properties: BTreeMap::from([("os_distro".to_owned(), "debian".to_owned())]),
        token: Token::from_random(super::uuid_bytes()),
    }
}

pub async fn a_file_becomes_an_image(fixture: &dyn Fixture) {
    let heard = Arc::new(Heard::default());
    let (cloud, cx) = (fixture.cloud(), Cx { progress: heard.clone(), ..Cx::quiet() });
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk.img");
    std::fs::write(&path, vec![7; 3_000_000]).unwrap();
    let new = new_image("uploaded", &path);
    let image = cloud.upload_image(&cx, &new).await.unwrap();
    assert_eq!((image.name.as_str(), image.status, image.size), ("uploaded", ImageStatus::Active, Some(3_000_000)));
    assert_eq!((image.ssh_user.as_deref(), image.properties["disk_format"].as_str()), (Some("debian"), "raw"));
    let steps = heard.0.lock().unwrap().clone();
    assert!(steps.len() > 3 && steps.is_sorted() && steps.last() == Some(&(3_000_000, Some(3_000_000))), "{steps:?}");

    let again = cloud.upload_image(&cx, &new).await.unwrap();
    assert_eq!(again.id, image.id, "a token never makes two");
    let listed = cloud.images(&cx).await.unwrap();
    assert_eq!(listed.iter().filter(|i| i.name == "uploaded").count(), 1);
    cloud.delete_image(&cx, &image.id).await.unwrap();
    cloud.delete_image(&cx, &image.id).await.expect("deleting what is gone succeeds");
    assert!(!cloud.images(&cx).await.unwrap().iter().any(|i| i.id == image.id));
}

pub async fn what_cannot_be_an_image_is_refused(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let dir = tempfile::tempdir().unwrap();
    let before = cloud.images(&cx).await.unwrap().len();
    let packed = dir.path().join("disk.xz");
    std::fs::write(&packed, b"\xfd7zXZ\0rest").unwrap();
    for path in [dir.path(), &packed, Path::new("/no/such")] {
        let failure = cloud.upload_image(&cx, &new_image("odd", path)).await.unwrap_err();
        assert!(failure.class == Class::Refused && !failure.at.is_empty(), "{failure}");
    }
    assert_eq!(cloud.images(&cx).await.unwrap().len(), before);
}

pub async fn an_upload_that_breaks_leaves_nothing(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("disk.img");
    std::fs::write(&path, vec![7; 500_000]).unwrap();
    let new = new_image("broken", &path);
    fixture.faults().lost_answers(1.0);
    assert_eq!(cloud.upload_image(&cx, &new).await.unwrap_err().class, Class::Transient);
    fixture.faults().lost_answers(0.0);
    // The answer to the very first call was lost too: its image is found by its token, and finished.
    let image = cloud.upload_image(&cx, &new).await.unwrap();
    let mine = |images: Vec<quarterdeck::model::Image>| images.into_iter().filter(|i| i.name == "broken").collect::<Vec<_>>();
    let left = mine(cloud.images(&cx).await.unwrap());
    assert!(left.len() == 1 && left[0].id == image.id && left[0].status == ImageStatus::Active, "{left:?}");
    cloud.delete_image(&cx, &image.id).await.unwrap();
}
