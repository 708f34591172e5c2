//! What servers boot from.

use crate::console::action::{Action, Offer};
use crate::console::rails;
use crate::console::state::{Model, Tab};
use crate::console::theme::{Glyph, Role};
use crate::console::widgets::table::{Cell, Column, Row};
use crate::console::words;
use crate::model::cloud::ImageStatus;
use crate::model::{Deed, Image};
use crate::protocol::live::{ListKind, Rows};

use super::Fact;

pub const COLUMNS: &[Column] = &[
    Column::text("name", "NAME", 20, 40, 0),
    Column::text("status", "STATUS", 8, 10, 0),
    Column::number("size", "SIZE", 7, 9, 1).bytes(),
    Column::text("user", "LOGIN", 5, 12, 3),
    Column::text("cloud", "CLOUD", 9, 20, 2),
    Column::text("created", "MADE", 10, 10, 4).time(),
    Column::text("id", "ID", 12, 36, 5),
];

pub fn rows(model: &Model) -> Vec<Row> {
    all(model).map(|image| row(model, image)).collect()
}

fn all(model: &Model) -> impl Iterator<Item = &Image> {
    model.each(ListKind::Images, |rows| match rows {
        Rows::Images(list) => Some(list),
        _ => None,
    })
}

fn id_of(image: &Image) -> String {
    format!("{}/{}", image.cloud, image.id)
}

fn row(model: &Model, image: &Image) -> Row {
    let status = match image.status {
        ImageStatus::Active => Cell::state(Glyph::On, "active", Role::Ok),
        ImageStatus::Saving => Cell::state(Glyph::Busy, "saving", Role::Running),
        ImageStatus::Error => Cell::state(Glyph::Failed, "error", Role::Failed),
    };
    Row {
        id: id_of(image),
        cells: vec![
            Cell::new(&image.name, Role::Strong),
            status,
            image.size.map_or_else(Cell::none, |n| Cell::number(words::bytes(n), n as f64, Role::Text)),
            image.ssh_user.as_ref().map_or_else(Cell::none, |user| Cell::new(user, Role::Text)),
            rails::cell(model, &image.cloud),
            image
                .created
                .map_or_else(Cell::none, |at| Cell::number(words::when(model.now, at, &model.zone), at.0 as f64, Role::Dim)),
            Cell::new(&image.id, Role::Faint),
        ],
    }
}

pub fn facts(model: &Model, id: &str) -> Vec<Fact> {
    let Some(image) = all(model).find(|i| id_of(i) == id) else { return Vec::new() };
    let mut facts = vec![("id", image.id.clone(), Role::Dim)];
    let properties: Vec<String> = image.properties.iter().map(|(name, value)| format!("{name}={value}")).collect();
    if !properties.is_empty() {
        facts.push(("says", properties.join("  "), Role::Dim));
    }
    facts
}

pub fn offers(model: &Model) -> Vec<Offer> {
    let image = model.table(Tab::Images).selected().and_then(|id| all(model).find(|i| id_of(i) == id));
    let nothing = || image.is_none().then(|| "no image is selected".to_owned());
    let guarded = || rails::why_not(model, Deed::ImageDelete, &image?.cloud, None);
    vec![
        Offer::hint(Action::Open).unless(nothing()),
        Offer::hint(Action::ImageDelete).unless(model.why_only_looking().or_else(nothing).or_else(guarded)),
    ]
}
