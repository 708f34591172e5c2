//! Images from files of this computer.

use super::{Done, StepCx};
use crate::model::{Failure, NewImage};
use crate::protocol::live::ListKind;

/// Uploads an image, or finds the one that an earlier attempt uploaded.
pub async fn upload(cx: &StepCx, image: &NewImage) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let image = NewImage { token: cx.step.token.clone(), ..image.clone() };
    call.output.line(&format!("uploading {} to {} as {}", image.path.display(), cloud.name(), image.name));
    // Not cut off at once when cancelled: the driver takes half an image away first.
    let made = cloud.upload_image(&call, &image).await?;
    cx.core.pokes.poke(cloud.name(), ListKind::Images);
    for key in ["os_hash_algo", "os_hash_value", "disk_format"] {
        if let Some(value) = made.properties.get(key) {
            call.output.line(&format!("{key}  {value}"));
        }
    }
    Ok(Done::note(made.id))
}

/// Deletes what the step uploaded, whole or half.
pub async fn take_away(cx: &StepCx) -> Result<Done, Failure> {
    let (cloud, call) = (cx.cloud()?, cx.cx());
    let found = call.run(&cx.step.title, cloud.images_by_token(&call, &cx.step.token)).await?;
    for image in &found {
        call.output.line(&format!("deleting image {} ({})", image.name, image.id));
        call.run(&cx.step.title, cloud.delete_image(&call, &image.id)).await?;
    }
    cx.core.pokes.poke(cloud.name(), ListKind::Images);
    Ok(Done::note(format!("{} deleted", found.len())))
}
