//! Pagers that are kept for those who come back: they know where the lines begin. No file stays open, so that what is
//! deleted gives its room on the disk back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Page, Pager};
use crate::model::Failure;

/// Outputs that are remembered.
const KEPT: usize = 32;

/// Reads outputs. A clone shares the pagers.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// The one used last is the last.
    kept: Arc<Mutex<Vec<(PathBuf, Shared)>>>,
}

/// Made by the first who gets hold of it.
type Shared = Arc<Mutex<Option<Pager>>>;

impl Pages {
    /// As [`Pager::page`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn page(&self, path: &Path, from: u64, count: u32, ended: bool) -> Result<Page, Failure> {
        self.with(path, move |pager| pager.page(from, count, ended)).await
    }

    /// As [`Pager::size`].
    ///
    /// # Errors
    /// The file cannot be read.
    pub async fn size(&self, path: &Path) -> Result<(u64, u64), Failure> {
        self.with(path, Pager::size).await
    }

    async fn with<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce(&mut Pager) -> Result<T, Failure> + Send + 'static,
    ) -> Result<T, Failure> {
        let (pages, path) = (self.clone(), path.to_owned());
        let done = tokio::task::spawn_blocking(move || pages.read(&path, work));
        done.await.unwrap_or_else(|e| Err(Failure::broken("read the output", e)))
    }

    /// Does some work with the pager of an output; it blocks, also while somebody else works with the same pager.
    ///
    /// # Errors
    /// The file cannot be read; those of the work.
    pub fn read<T>(&self, path: &Path, work: impl FnOnce(&mut Pager) -> Result<T, Failure>) -> Result<T, Failure> {
        let shared = self.shared(path);
        let mut pager = shared.lock().unwrap_or_else(PoisonError::into_inner);
        let pager = match &mut *pager {
            Some(pager) => pager,
            None => pager.insert(Pager::open(path)?),
        };
        let done = work(pager);
        pager.close();
        done
    }

    fn shared(&self, path: &Path) -> Shared {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match kept.iter().position(|(p, _)| p == path) {
            Some(at) => kept.remove(at),
            None => (path.to_owned(), Shared::default()),
        };
        if kept.len() >= KEPT {
            kept.remove(0);
        }
        let shared = Arc::clone(&entry.1);
        kept.push(entry);
        shared
    }
}
