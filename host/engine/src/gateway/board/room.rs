//! How many calls workers can take now: what the queue goes by.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;

use super::Board;
use super::connection::Hello;

/// Who can take calls now, over Connect. A call that finds no place in it waits without using an attempt.
#[derive(Debug, Default)]
pub(crate) struct Room {
    /// Every open connection, and whether it is ready and alive.
    connections: Vec<(Arc<Hello>, bool)>,
    /// The free slots of each instance.
    free: BTreeMap<String, usize>,
}

impl Room {
    /// Takes a place for a call, if there is one.
    ///
    /// As on the real server the queue goes by the free slots alone: where connections of the app have some and none
    /// of them is fit for the function, the call goes out, to be refused there as a failed attempt.
    pub(crate) fn take(&mut self, app: &str, slug: &str) -> bool {
        let of_app = || self.connections.iter().filter(|(hello, _)| hello.apps.contains_key(app));
        let mut serving =
            of_app().filter(|(hello, fit)| *fit && hello.apps[app].slugs.contains(slug)).peekable();
        if serving.peek().is_some() {
            let open = serving.find(|(hello, _)| self.slots(hello) > 0);
            let slots = open.and_then(|(hello, _)| self.free.get_mut(&hello.instance));
            return slots.is_some_and(|slots| {
                *slots -= 1;
                true
            });
        }
        let better = of_app().any(|(_, fit)| *fit);
        of_app().any(|(hello, fit)| (*fit || !better) && self.slots(hello) > 0)
    }

    fn slots(&self, hello: &Hello) -> usize {
        self.free.get(&hello.instance).copied().unwrap_or(0)
    }
}

#[cfg(test)]
impl Room {
    /// One worker that serves one function and has this many free slots.
    pub(crate) fn of(app: &str, slug: &str, slots: usize) -> Self {
        let announced = super::Announced {
            configuration: String::new(),
            slugs: std::collections::BTreeSet::from([slug.to_owned()]),
        };
        let hello = Hello {
            connection: String::new(),
            instance: "i".to_owned(),
            limit: None,
            manual: false,
            apps: BTreeMap::from([(app.to_owned(), announced)]),
            sdk: (String::new(), String::new()),
            system: None,
        };
        let free = BTreeMap::from([("i".to_owned(), slots)]);
        Self { connections: vec![(Arc::new(hello), true)], free }
    }
}

impl Board {
    /// Who can take calls now.
    pub(crate) fn room(&self, now: Timestamp) -> Room {
        let mut room = Room::default();
        for connection in self.connections.values() {
            let instance = &connection.hello.instance;
            if !room.free.contains_key(instance) {
                room.free.insert(instance.clone(), self.free(instance));
            }
            let fit = connection.is_fit(&self.rules, now);
            room.connections.push((Arc::clone(&connection.hello), fit));
        }
        room
    }
}
