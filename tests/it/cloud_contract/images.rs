//! Images made of what lies on this computer.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use quarterdeck::base::Cx;
use quarterdeck::model::{Class, ClusterId, NewImage, ServerStatus, Token};

use super::{Fixture, said, until, wanted};

pub async fn an_image_is_made_of_a_directory_and_of_an_archive(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let work = tempfile::tempdir().unwrap();
    let tree = work.path().join("tree");
    root_file_system(&tree);
    let archive = work.path().join("tree.tar");
    let packed = Command::new("tar").arg("-cf").arg(&archive).arg("-C").arg(&tree).arg(".").status().unwrap();
    assert!(packed.success());
    for (name, source) in [("small-dir", &tree), ("small-tar", &archive)] {
        let image = cloud.register_image(&cx, name, source).await.unwrap();
        assert_eq!(image.name, name);
        assert!(cloud.images(&cx).await.unwrap().iter().any(|i| i.id == image.id));
        let mut new = wanted(fixture, ClusterId::new(), name);
        new.image = image.id.clone();
        let server = cloud.create_server(&cx, &new).await.unwrap();
        let server = until(cloud.as_ref(), &server.id, ServerStatus::Active).await;
        assert_eq!(said(fixture, &server, "cat /etc/made-by; echo new > /etc/made-by; cat /etc/made-by").await, "test\nnew\n");
        assert_eq!(said(fixture, &server, "hostname").await.trim(), name);

        assert_eq!(cloud.delete_image(&cx, &image.id).await.unwrap_err().class, Class::Refused, "a server stands on it");
        cloud.delete_server(&cx, &server.id).await.unwrap();
        cloud.delete_image(&cx, &image.id).await.unwrap();
        cloud.delete_image(&cx, &image.id).await.expect("deleting what is gone succeeds");
        assert!(!cloud.images(&cx).await.unwrap().iter().any(|i| i.id == image.id));
    }
}

pub async fn an_upload_that_is_repeated_is_the_same_image(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let work = tempfile::tempdir().unwrap();
    root_file_system(work.path());
    let new = NewImage {
        name: "uploaded".into(),
        path: work.path().to_owned(),
        disk_format: None,
        min_disk_gb: 0,
        min_ram_mb: 0,
        properties: BTreeMap::new(),
        token: Token::from_random(super::uuid_bytes()),
    };
    let image = cloud.upload_image(&cx, &new).await.unwrap();
    assert_eq!(cloud.upload_image(&cx, &new).await.unwrap(), image);
    assert_eq!(fixture.reopened().images_by_token(&cx, &new.token).await.unwrap(), std::slice::from_ref(&image));
    let other = NewImage { token: Token::from_random(super::uuid_bytes()), ..new.clone() };
    assert_eq!(cloud.upload_image(&cx, &other).await.unwrap_err().class, Class::Refused, "the name is taken");
    let disk = NewImage { disk_format: Some("qcow2".into()), ..other };
    assert!(cloud.upload_image(&cx, &disk).await.unwrap_err().got.contains("qcow2"));
    cloud.delete_image(&cx, &image.id).await.unwrap();
    assert_eq!(cloud.images_by_token(&cx, &new.token).await.unwrap(), []);
}

pub async fn what_is_no_image_is_refused(fixture: &dyn Fixture) {
    let (cloud, cx) = (fixture.cloud(), Cx::quiet());
    let work = tempfile::tempdir().unwrap();
    let before = cloud.images(&cx).await.unwrap().len();
    fs::write(work.path().join("noise"), "no archive at all").unwrap();
    for (name, source) in [("empty", work.path()), ("noise", &work.path().join("noise")), ("gone", Path::new("/no/such"))] {
        let failure = cloud.register_image(&cx, name, source).await.unwrap_err();
        assert_eq!(failure.class, Class::Refused, "{failure}");
    }
    for name in ["../up", "host", "", "a b"] {
        let failure = cloud.register_image(&cx, name, work.path()).await.unwrap_err();
        assert_eq!(failure.class, Class::Refused, "{failure}");
    }
    assert_eq!(cloud.images(&cx).await.unwrap().len(), before);
    assert_eq!(cloud.delete_image(&cx, "host").await.unwrap_err().class, Class::Refused);
}

/// A root file system of the few programs that the test calls, with the libraries they need.
fn root_file_system(root: &Path) {
    for dir in ["bin", "etc", "lib", "root", "usr/bin", "proc"] {
        fs::create_dir_all(root.join(dir)).unwrap();
    }
    for program in ["/bin/sh", "/bin/cat", "/bin/hostname"] {
        copy(Path::new(program), root);
        let libraries = Command::new("ldd").arg(program).output().unwrap();
        for word in String::from_utf8_lossy(&libraries.stdout).split_whitespace().filter(|w| w.starts_with('/')) {
            copy(Path::new(word), root);
        }
    }
    fs::write(root.join("etc/made-by"), "test\n").unwrap();
    fs::write(root.join("etc/passwd"), "root:x:0:0:root:/root:/bin/sh\n").unwrap();
    symlink("/bin/sh", root.join("usr/bin/sh")).unwrap();
}

fn copy(from: &Path, root: &Path) {
    let to = root.join(from.strip_prefix("/").unwrap());
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    fs::copy(fs::canonicalize(from).unwrap(), to).unwrap();
}
