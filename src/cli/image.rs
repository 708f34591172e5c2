//! `quarterdeck image …`

use clap::{Args, Subcommand};

use crate::model::{Deed, Failure, Image, Level, NewImage, Token};
use crate::protocol::{Answer, Command, ListKind, Rows};

use super::App;
use super::ask::Sure;
use super::cluster::follow;
use super::exit::{Ended, Stop};
use super::lists::{self, List};
use super::names;
use super::session::{Session, answer_as, odd};

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// List the images of a cloud
    List(List),
    /// Make an image out of a directory or an archive of a root file system on this computer
    Register {
        /// A directory or a tar archive
        path: String,
        /// The image's name
        #[arg(long)]
        name: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
    },
    /// Upload a disk image of this computer (raw, qcow2, vmdk, vdi, vhd, vhdx, iso), as a run: with progress, and checked
    /// once it is there. On the sandbox: a directory or an archive of a root file system
    Upload(Box<Upload>),
    /// Delete an image
    Delete {
        /// Name or id
        image: String,
        /// The cloud [default: the default cloud]
        #[arg(long, value_name = "CLOUD")]
        cloud: Option<String>,
        #[command(flatten)]
        sure: Sure,
    },
}

#[derive(Args, Debug)]
pub struct Upload {
    /// The file
    path: String,
    /// The image's name [default: that of the file, without its end]
    #[arg(long)]
    name: Option<String>,
    /// Its format, in the cloud's words [default: seen in the file]
    #[arg(long)]
    format: Option<String>,
    /// Smallest disk that it fits on, GB
    #[arg(long, value_name = "GB", default_value_t = 0)]
    min_disk: u64,
    /// Least memory that it runs with, MB
    #[arg(long, value_name = "MB", default_value_t = 0)]
    min_ram: u64,
    /// A property, for instance os_distro=debian; may be repeated
    #[arg(long = "property", value_name = "NAME=VALUE", value_parser = super::cloud::setting)]
    properties: Vec<(String, String)>,
    /// The cloud [default: the default cloud]
    #[arg(long, value_name = "CLOUD")]
    cloud: Option<String>,
    /// Do not wait for its end
    #[arg(long)]
    detach: bool,
}

async fn upload(app: &mut App<'_>, wish: Upload) -> Ended {
    let tried = "upload an image";
    let path = std::fs::canonicalize(&wish.path).map_err(|error| Stop::usage(Failure::refused(tried, error).at(&wish.path)))?;
    let named = path.file_stem().map(|stem| stem.to_string_lossy().into_owned());
    let name = wish.name.or(named).unwrap_or_default();
    let mut session = Session::open().await?;
    let cloud = session.cloud(wish.cloud.as_deref()).await?;
    let image = NewImage {
        name,
        path,
        disk_format: wish.format,
        min_disk_gb: wish.min_disk,
        min_ram_mb: wish.min_ram,
        properties: wish.properties.into_iter().collect(),
        // The engine puts its own in.
        token: Token(String::new()),
    };
    let run = session.start(Command::ImageUpload { cloud: cloud.name, image: Box::new(image) }).await?;
    follow(app, &mut session, run, wish.detach).await
}

pub async fn run(app: &mut App<'_>, verb: Verb) -> Ended {
    match verb {
        Verb::List(list) => lists::show(app, list, ListKind::Images).await,
        Verb::Register { path, name, cloud } => {
            let tried = format!("register image {name}");
            let path = std::fs::canonicalize(&path).map_err(|error| Stop::usage(Failure::refused(&tried, error).at(&path)))?;
            let path = super::file::text(&path, &tried)?;
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?;
            let command = Command::ImageRegister { cloud: cloud.name.clone(), name: name.clone(), path };
            let id = answer_as!(session, command, Answer::Text(id) => id)?;
            app.done(&format!("image {name} ({id}) is registered on {}", cloud.name))
        }
        Verb::Upload(wish) => upload(app, *wish).await,
        Verb::Delete { image, cloud, sure } => {
            let session = Session::open().await?;
            let cloud = session.cloud(cloud.as_deref()).await?;
            let Rows::Images(images) = session.list(&cloud, ListKind::Images).await? else { return Err(odd()) };
            let found = find(&images, &image)?;
            let tried = format!("delete image {}", found.name);
            let question = format!("Delete image {} ({}) of cloud {}?", found.name, found.id, cloud.name);
            let ruling = session.rules().await?.ruling(Deed::ImageDelete, [&cloud.name], None);
            sure.obey(&ruling, Level::Yes, &tried, &question, &found.name).await?;
            session.ask(Command::ImageDelete { cloud: cloud.name.clone(), image: found.id.clone() }).await?;
            app.done(&format!("image {} is deleted", found.name))
        }
    }
}

/// The image of this id or name.
fn find<'a>(images: &'a [Image], name: &str) -> Result<&'a Image, Failure> {
    let found: Vec<&Image> = match images.iter().find(|image| image.id == name) {
        Some(image) => vec![image],
        None => images.iter().filter(|image| image.name == name).collect(),
    };
    match found[..] {
        [image] => Ok(image),
        [] => Err(names::unknown("image", name, images.iter().map(|image| image.name.as_str()))),
        _ => Err(Failure::refused(format!("find image {name}"), format!("{} images have that name", found.len()))
            .next("give the id instead: quarterdeck image list")),
    }
}
