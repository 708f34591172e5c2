//! What was used lately, kept for those who come back to it.

use std::sync::{Arc, Mutex, PoisonError};

/// So many things at the most, each behind a lock of its own; what was not used for longest leaves first.
#[derive(Debug)]
pub struct Lately<K, V> {
    most: usize,
    /// The one used last is the last.
    kept: Mutex<Vec<(K, Arc<Mutex<V>>)>>,
}

impl<K: PartialEq, V> Lately<K, V> {
    /// Keeps `most` things.
    pub fn new(most: usize) -> Self {
        Self { most, kept: Mutex::default() }
    }

    /// The thing of this key; made where it is not kept.
    pub fn get(&self, key: K, make: impl FnOnce() -> V) -> Arc<Mutex<V>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = match kept.iter().position(|(known, _)| *known == key) {
            Some(at) => kept.remove(at),
            None => (key, Arc::new(Mutex::new(make()))),
        };
        if kept.len() >= self.most {
            kept.remove(0);
        }
        let thing = Arc::clone(&entry.1);
        kept.push(entry);
        thing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_used_for_longest_leaves() {
        let lately = Lately::new(2);
        let first = lately.get("a", || 1);
        lately.get("b", || 2);
        assert!(Arc::ptr_eq(&first, &lately.get("a", || 9)));
        lately.get("c", || 3);
        assert!(Arc::ptr_eq(&first, &lately.get("a", || 9)), "it was used after b");
        assert_eq!(*lately.get("b", || 4).lock().unwrap(), 4, "b had to leave");
    }
}
