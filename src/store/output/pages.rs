//! Pagers that are kept for those who come back: they know where the lines begin. No file stays open, so that what is
//! deleted gives its room on the disk back.

use std::path::{Path, PathBuf};
use std::sync::PoisonError;

use super::Pager;
use crate::base::lately::Lately;
use crate::model::Failure;

/// Outputs that are remembered.
const KEPT: usize = 32;

/// Reads outputs.
#[derive(Debug)]
pub struct Pages(Lately<PathBuf, Option<Pager>>);

impl Default for Pages {
    fn default() -> Self {
        Self(Lately::new(KEPT))
    }
}

impl Pages {
    /// Does some work with the pager of an output; it blocks, also while somebody else works with the same pager.
    ///
    /// # Errors
    /// The file cannot be read; those of the work.
    pub fn read<T>(&self, path: &Path, work: impl FnOnce(&mut Pager) -> Result<T, Failure>) -> Result<T, Failure> {
        // Made by the first who gets hold of it: opening may take a while.
        let shared = self.0.get(path.to_owned(), || None);
        let mut pager = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let pager = match &mut *pager {
            Some(pager) => pager,
            None => pager.insert(Pager::open(path)?),
        };
        let done = work(pager);
        pager.close();
        done
    }

    /// A pager of one's own, for work that takes long: it knows what is known already.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn own(&self, path: &Path) -> Result<Pager, Failure> {
        self.read(path, |pager| {
            pager.size()?;
            Ok(pager.another())
        })
    }
}
