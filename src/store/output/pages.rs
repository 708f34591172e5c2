//! Pagers that stay open for those who come back.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use super::{Page, Pager};
use crate::model::Failure;

/// Outputs that are kept open.
const OPEN: usize = 32;

/// Reads outputs without blocking the caller's thread. A clone shares the open ones.
#[derive(Clone, Debug, Default)]
pub struct Pages {
    /// The one used last is the last.
    open: Arc<Mutex<Vec<(PathBuf, Shared)>>>,
}

/// Opened by the first who gets hold of it.
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
        let shared = self.shared(path);
        let path = path.to_owned();
        let done = tokio::task::spawn_blocking(move || {
            let mut pager = shared.lock().unwrap_or_else(PoisonError::into_inner);
            match &mut *pager {
                Some(pager) => work(pager),
                None => work(pager.insert(Pager::open(&path)?)),
            }
        });
        done.await.unwrap_or_else(|e| Err(Failure::broken("read the output", e)))
    }

    fn shared(&self, path: &Path) -> Shared {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match open.iter().position(|(p, _)| p == path) {
            Some(at) => open.remove(at),
            None => (path.to_owned(), Shared::default()),
        };
        if open.len() >= OPEN {
            open.remove(0);
        }
        let shared = Arc::clone(&entry.1);
        open.push(entry);
        shared
    }
}
