//! How many changing calls a cloud gets at once: its limit, lowered when it asks us to slow down, raised again
//! one by one while calls succeed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::Notify;

use crate::model::CloudName;

#[derive(Debug)]
struct Gauge {
    /// The configured limit.
    most: u32,
    /// The limit now.
    limit: u32,
    in_use: u32,
    /// Successes since the limit last changed.
    streak: u32,
}

/// The limits of all clouds.
#[derive(Debug, Default)]
pub struct Slots {
    gauges: Mutex<BTreeMap<CloudName, Gauge>>,
    freed: Notify,
}

/// The right to one call; given back when dropped.
#[derive(Debug)]
pub struct Slot {
    slots: Arc<Slots>,
    cloud: CloudName,
}

/// So many successes in a row raise a lowered limit by one.
const RAISE_AFTER: u32 = 8;

impl Slots {
    /// A slot of `cloud`, or the limit that stands in the way. `most` is the configured limit.
    pub fn take(self: &Arc<Self>, cloud: &CloudName, most: u32) -> Result<Slot, u32> {
        let mut gauges = self.gauges.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let gauge = gauges.entry(cloud.clone()).or_insert(Gauge { most, limit: most, in_use: 0, streak: 0 });
        if gauge.most != most {
            gauge.most = most;
            gauge.limit = most;
        }
        if gauge.in_use >= gauge.limit {
            return Err(gauge.limit);
        }
        gauge.in_use += 1;
        Ok(Slot { slots: Arc::clone(self), cloud: cloud.clone() })
    }

    /// The cloud asked us to slow down.
    pub fn lower(&self, cloud: &CloudName) {
        self.change(cloud, |g| {
            g.limit = (g.limit / 2).max(1);
            g.streak = 0;
        });
    }

    /// A call succeeded.
    pub fn succeeded(&self, cloud: &CloudName) {
        self.change(cloud, |g| {
            if g.limit < g.most {
                g.streak += 1;
                if g.streak >= RAISE_AFTER {
                    g.limit += 1;
                    g.streak = 0;
                }
            }
        });
    }

    /// Resolves when a slot became free after the call.
    pub fn freed(&self) -> tokio::sync::futures::Notified<'_> {
        self.freed.notified()
    }

    fn change(&self, cloud: &CloudName, f: impl FnOnce(&mut Gauge)) {
        let mut gauges = self.gauges.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(gauge) = gauges.get_mut(cloud) {
            f(gauge);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.slots.change(&self.cloud, |g| g.in_use = g.in_use.saturating_sub(1));
        self.slots.freed.notify_waiters();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_holds_falls_and_comes_back() {
        let slots = Arc::new(Slots::default());
        let cloud = CloudName::new("lab");
        let held: Vec<_> = (0..4).map(|_| slots.take(&cloud, 4).unwrap()).collect();
        assert_eq!(slots.take(&cloud, 4).unwrap_err(), 4);
        drop(held);
        slots.lower(&cloud);
        let held: Vec<_> = (0..2).map(|_| slots.take(&cloud, 4).unwrap()).collect();
        assert_eq!(slots.take(&cloud, 4).unwrap_err(), 2);
        drop(held);
        for _ in 0..RAISE_AFTER {
            slots.succeeded(&cloud);
        }
        let _held: Vec<_> = (0..3).map(|_| slots.take(&cloud, 4).unwrap()).collect();
        assert_eq!(slots.take(&cloud, 4).unwrap_err(), 3);
    }
}
