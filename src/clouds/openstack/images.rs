//! Glance: images from files of this computer, whole or not at all.

use std::io::Read;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use sha2::{Digest, Sha512};

use super::catalog::Service;
use super::servers::is_id;
use super::session::{Call, Reply};
use super::{OpenStack, convert, wire};
use crate::base::Cx;
use crate::base::http::{Body, Method, Repeat};
use crate::model::{Class, Failure, Image, ImageStatus, NewImage, Token};

/// How files begin that are images, and which format that is: offset, bytes, word of Glance.
const FORMATS: &[(usize, &[u8], &str)] = &[
    (0, b"QFI\xfb", "qcow2"),
    (0, b"KDMV", "vmdk"),
    (0, b"# Disk DescriptorFile", "vmdk"),
    (0x40, &[0x7f, 0x10, 0xda, 0xbe], "vdi"),
    (0, b"conectix", "vhd"),
    (0, b"vhdxfile", "vhdx"),
    (0x8001, b"CD001", "iso"),
];

/// How files begin that hold an image and are none.
const PACKED: &[(&[u8], &str)] = &[
    (b"\x1f\x8b", "gunzip"),
    (b"\xfd7zXZ", "unxz"),
    (b"BZh", "bunzip2"),
    (b"\x28\xb5\x2f\xfd", "unzstd"),
    (b"PK\x03\x04", "unzip"),
];

/// A file that is to be uploaded, as it is now.
struct Source {
    path: PathBuf,
    length: u64,
    format: &'static str,
}

/// Looks at the file.
fn examine(path: &Path, tried: &str) -> Result<Source, Failure> {
    let wrong = |got: String| Failure::refused(tried, got).at(path.display());
    let mut file = std::fs::File::open(path).map_err(|e| wrong(e.to_string()).next("check the path and its rights"))?;
    let meta = file.metadata().map_err(|e| wrong(e.to_string()))?;
    if !meta.is_file() {
        return Err(wrong("it is no file".to_owned()).next("give the file of a disk image: raw, qcow2, vmdk, vdi, vhd or iso"));
    }
    if meta.len() == 0 {
        return Err(wrong("it is empty".to_owned()));
    }
    let mut head = vec![0; 0x8006];
    let mut read = 0;
    while read < head.len() {
        match file.read(&mut head[read..]).map_err(|e| wrong(e.to_string()))? {
            0 => break,
            count => read += count,
        }
    }
    head.truncate(read);
    if let Some((_, tool)) = PACKED.iter().find(|(start, _)| head.starts_with(start)) {
        return Err(wrong("it is compressed: servers cannot boot from it".to_owned()).next(format!("unpack it first: {tool}")));
    }
    let fits = |(at, bytes, _): &&(usize, &[u8], &str)| head.get(*at..at + bytes.len()) == Some(*bytes);
    let format = FORMATS.iter().find(fits).map_or("raw", |(.., format)| *format);
    Ok(Source { path: path.to_owned(), length: meta.len(), format })
}

/// The SHA-512 of a file, in hexadecimal digits.
fn sha512(path: &Path) -> std::io::Result<String> {
    let (mut file, mut hash, mut piece) = (std::fs::File::open(path)?, Sha512::new(), vec![0; 1 << 20]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect()),
            count => hash.update(&piece[..count]),
        }
    }
}

impl OpenStack {
    /// Uploads a file. An upload that was broken off is begun anew; one that was finished is found by its token.
    pub(super) async fn upload(&self, cx: &Cx, new: &NewImage) -> Result<Image, Failure> {
        let tried = format!("upload image {}", new.name);
        let (path, what) = (new.path.clone(), tried.clone());
        let source = tokio::task::spawn_blocking(move || examine(&path, &what)).await;
        let source = source.unwrap_or_else(|e| Err(Failure::broken(&tried, e)))?;
        for row in self.images_of(cx, &new.token, &tried).await? {
            match convert::image(&self.name, row) {
                Some(image) if image.status == ImageStatus::Active => return Ok(image),
                Some(image) => {
                    cx.output.line("an earlier upload was broken off; Glance takes a file in one piece, so it begins anew");
                    self.drop_image(cx, &image.id).await?;
                }
                None => {}
            }
        }
        let call = Call::new(Service::Image, Method::POST, "/images", &tried).json(&body(new, &source));
        let id = self.session.ask::<wire::Image>(cx, &call).await?.id;
        let filled = self.fill(cx, &id, &source, &tried).await;
        match filled {
            Ok(image) => Ok(image),
            Err(failure) => {
                // Half an image is no use to anybody; cancelled or not, it goes.
                if let Err(also) = self.drop_image(&Cx::quiet(), &id).await {
                    tracing::warn!(%also, image = %id, "a broken upload is left behind");
                }
                Err(failure)
            }
        }
    }

    /// Images with the tag of a token.
    pub(super) async fn images_of(&self, cx: &Cx, token: &Token, tried: &str) -> Result<Vec<wire::Image>, Failure> {
        let call = Call::get(Service::Image, "/images", tried).query(&[("tag", &token.0)]);
        self.session.all::<wire::Images>(cx, &call).await
    }

    async fn fill(&self, cx: &Cx, id: &str, source: &Source, tried: &str) -> Result<Image, Failure> {
        let body = Body::File { path: source.path.clone(), length: source.length, progress: cx.progress.clone() };
        let put = Call::new(Service::Image, Method::PUT, format!("/images/{id}/file"), tried)
            .header("content-type", "application/octet-stream")
            .body(body)
            // What has begun cannot be sent once more: Glance would refuse it.
            .repeat(Repeat::Unbegun);
        let path = source.path.clone();
        let hash = tokio::task::spawn_blocking(move || sha512(&path));
        self.session.call(cx, &put).await?.ok()?;
        let call = Call::get(Service::Image, format!("/images/{id}"), tried);
        let row = self.session.ask::<wire::Image>(cx, &call).await?;
        let theirs = |key: &str| row.rest.get(key).and_then(Value::as_str).map(str::to_owned);
        if theirs("os_hash_algo").as_deref() == Some("sha512")
            && let (Some(theirs), Ok(Ok(ours))) = (theirs("os_hash_value"), hash.await)
            && theirs != ours
        {
            let got =
                format!("what arrived is not what was sent: sha512 {}…, not {}…", &theirs[..theirs.len().min(12)], &ours[..12]);
            return Err(Failure::transient(tried, got).at(self.address()));
        }
        let image = convert::image(&self.name, row);
        image.filter(|image| image.status != ImageStatus::Error).ok_or_else(|| {
            Failure::refused(tried, "the cloud took the file and calls the image broken")
                .at(self.address())
                .next("check its format")
        })
    }

    /// Deletes an image; one that is gone is gone.
    pub(super) async fn drop_image(&self, cx: &Cx, id: &str) -> Result<(), Failure> {
        if !is_id(id) {
            return Ok(());
        }
        let call = Call::new(Service::Image, Method::DELETE, format!("/images/{id}"), format!("delete image {id}"));
        match self.session.call(cx, &call).await.and_then(Reply::ok) {
            Ok(_) => Ok(()),
            Err(failure) if failure.class == Class::NotFound => Ok(()),
            Err(failure) => Err(failure),
        }
    }
}

fn body(new: &NewImage, source: &Source) -> Value {
    let mut body = json!({
        "name": new.name,
        "disk_format": new.disk_format.as_deref().unwrap_or(source.format),
        "container_format": "bare",
        "min_disk": new.min_disk_gb,
        "min_ram": new.min_ram_mb,
        "tags": [new.token.0],
    });
    for (key, value) in &new.properties {
        body[key.as_str()] = json!(value);
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_are_seen_in_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let look = |bytes: &[u8]| {
            let path = dir.path().join("image");
            std::fs::write(&path, bytes).unwrap();
            examine(&path, "upload image x").map(|source| (source.format, source.length))
        };
        assert_eq!(look(b"QFI\xfb\0\0\0\x03").unwrap(), ("qcow2", 8));
        let mut iso = vec![0; 0x9000];
        iso[0x8001..0x8006].copy_from_slice(b"CD001");
        assert_eq!(look(&iso).unwrap().0, "iso");
        assert_eq!(look(b"anything at all").unwrap().0, "raw");
        let packed = look(b"\xfd7zXZ\0").unwrap_err();
        assert!(packed.next.contains("unxz") && packed.class == Class::Refused, "{packed}");
        assert!(look(b"").unwrap_err().got.contains("empty"));
        assert!(examine(dir.path(), "x").err().unwrap().got.contains("no file"));
        assert!(examine(Path::new("/no/such"), "x").err().unwrap().at.contains("/no/such"));
    }

    #[test]
    fn a_hash_is_that_of_sha512sum() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(sha512(file.path()).unwrap().starts_with("cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"));
    }
}
