//! Who is here now: so many at once, and no address with all of the room.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::limits::group;

/// Room for so many at once.
#[derive(Debug)]
pub(crate) struct Crowd {
    room: Arc<Semaphore>,
    /// The most of one address.
    each: usize,
    here: Mutex<HashMap<IpAddr, usize>>,
}

/// A place, until it is dropped.
#[derive(Debug)]
pub(crate) struct Place {
    crowd: Arc<Crowd>,
    from: IpAddr,
    _room: OwnedSemaphorePermit,
}

impl Crowd {
    /// Room for so many, of which one address has half at most.
    pub(crate) fn new(room: usize) -> Arc<Self> {
        let each = room.div_ceil(2);
        Arc::new(Self { room: Arc::new(Semaphore::new(room)), each, here: Mutex::default() })
    }

    /// A place for somebody, where there is one now.
    pub(crate) fn enter(self: &Arc<Self>, from: IpAddr) -> Option<Place> {
        let room = Arc::clone(&self.room).try_acquire_owned().ok()?;
        self.seat(from, room)
    }

    /// Room, as soon as there is some: for [`Crowd::seat`].
    pub(crate) async fn room(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.room).acquire_owned().await.ok()
    }

    /// Gives room to somebody, unless that address has its half.
    pub(crate) fn seat(
        self: &Arc<Self>,
        from: IpAddr,
        room: OwnedSemaphorePermit,
    ) -> Option<Place> {
        let from = group(from);
        let mut here = self.here.lock().unwrap_or_else(PoisonError::into_inner);
        let count = here.entry(from).or_default();
        if *count >= self.each {
            return None;
        }
        *count += 1;
        Some(Place { crowd: Arc::clone(self), from, _room: room })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut here = self.crowd.here.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = here.get_mut(&self.from) {
            *count -= 1;
            if *count == 0 {
                here.remove(&self.from);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_address_has_all_of_the_room() {
        let [one, other]: [IpAddr; 2] = [[192, 0, 2, 1].into(), [192, 0, 2, 2].into()];
        let crowd = Crowd::new(4);
        let own: Vec<_> = (0..3).filter_map(|_| crowd.enter(one)).collect();
        assert_eq!(own.len(), 2);
        let others: Vec<_> = (0..3).filter_map(|_| crowd.enter(other)).collect();
        assert_eq!(others.len(), 2);
        drop((own, others));
        assert!(crowd.here.lock().expect("nobody panics with it").is_empty());
        assert!(crowd.enter(one).is_some());
    }
}
