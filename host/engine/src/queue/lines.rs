//! Calls that are due and wait for a place, in lines: what goes the same way and needs the same waits together. A line
//! whose first call cannot go is parked at what it lacks, and looked at again when some of that is given back; so a
//! call that cannot go costs nothing, and holds up nobody who goes another way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::Ticket;
use crate::flow::Need;

/// Where a call goes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Outlet {
    /// To a worker that is called.
    Http,
    /// To a worker that has dialled in and serves this function.
    Connect { app: String, slug: String },
}

/// Where a call goes and what it needs for that.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Way {
    pub(crate) outlet: Outlet,
    pub(crate) needs: Vec<Need>,
}

/// What a line is parked at.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Post {
    Need(Need),
    Outlet(Outlet),
}

/// A call in its line: the rank decides, then since when it is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Entry {
    pub(super) rank: i64,
    pub(super) due: Timestamp,
    pub(super) ticket: Ticket,
}

type Head = (Entry, Arc<Way>);

#[derive(Debug, Default)]
struct Line {
    entries: BTreeSet<Entry>,
    /// What it waits for; none: its first call is looked at next time.
    post: Option<Post>,
}

/// Calls that wait for a place.
#[derive(Debug, Default)]
pub(super) struct Lines {
    all: BTreeMap<Arc<Way>, Line>,
    places: BTreeMap<Ticket, Head>,
    /// The first calls of the lines that are parked nowhere.
    ready: BTreeSet<Head>,
    /// The first calls of the others.
    parked: BTreeMap<Post, BTreeSet<Head>>,
    /// Posts at which something was given back.
    freed: BTreeSet<Post>,
    /// When meters have time again.
    alarms: BTreeSet<(Timestamp, Post)>,
}

impl Lines {
    pub(super) fn add(&mut self, way: Way, entry: Entry) {
        let way =
            self.all.get_key_value(&way).map_or_else(|| Arc::new(way), |(way, _)| Arc::clone(way));
        self.change(&way, |line| {
            line.entries.insert(entry);
        });
        self.places.insert(entry.ticket, (entry, way));
    }

    pub(super) fn remove(&mut self, ticket: Ticket) {
        if let Some((entry, way)) = self.places.remove(&ticket) {
            self.change(&way, |line| {
                line.entries.remove(&entry);
            });
        }
    }

    pub(super) fn contains(&self, ticket: Ticket) -> bool {
        self.places.contains_key(&ticket)
    }

    /// The call to be looked at next: the first in rank of all lines that nothing is known to hold up.
    pub(super) fn next(&mut self, now: Timestamp) -> Option<Head> {
        while let Some((_, post)) = self.alarms.first().filter(|(at, _)| *at <= now).cloned() {
            self.alarms.pop_first();
            self.freed.insert(post);
        }
        // One line of each post at a time, the best one: whether there is more than one place is seen when it has taken
        // its own. Meanwhile the next one stands beside it, so that the order holds among all.
        for post in self.freed.clone() {
            match self.parked.get(&post).and_then(BTreeSet::first) {
                Some((_, way)) => {
                    let way = Arc::clone(way);
                    self.change(&way, |line| line.post = None);
                }
                None => {
                    self.freed.remove(&post);
                }
            }
        }
        self.ready.first().cloned()
    }

    /// The first call of a line cannot go: the line waits until something is given back at the post, or until then.
    pub(super) fn park(&mut self, way: &Arc<Way>, post: Post, until: Option<Timestamp>) {
        self.freed.remove(&post);
        if let Some(until) = until {
            self.alarms.insert((until, post.clone()));
        }
        self.change(way, |line| line.post = Some(post));
    }

    /// Something was given back.
    pub(super) fn free(&mut self, post: Post) {
        if self.parked.contains_key(&post) {
            self.freed.insert(post);
        }
    }

    /// A place was given back for a need, whatever limit those who wait for it go by.
    pub(super) fn free_between(&mut self, need: impl Fn(u32) -> Need) {
        let [least, most] = [0, u32::MAX].map(|most| Post::Need(need(most)));
        let posts = self.parked.range(least..=most).map(|(post, _)| post.clone());
        self.freed.extend(posts);
    }

    /// Something was given back at every post of which this is true.
    pub(super) fn free_all(&mut self, given_back: impl Fn(&Post) -> bool) {
        let posts = self.parked.keys().filter(|post| given_back(post));
        self.freed.extend(posts.cloned());
    }

    /// When a line that waits for time is looked at again.
    pub(super) fn next_alarm(&self) -> Option<Timestamp> {
        self.alarms.first().map(|(at, _)| *at)
    }

    /// Changes a line, and keeps the lists of first calls true.
    fn change(&mut self, way: &Arc<Way>, change: impl FnOnce(&mut Line)) {
        let mut line = self.all.remove(way).unwrap_or_default();
        self.list(way, &line, false);
        change(&mut line);
        if !line.entries.is_empty() {
            self.list(way, &line, true);
            self.all.insert(Arc::clone(way), line);
        }
    }

    fn list(&mut self, way: &Arc<Way>, line: &Line, add: bool) {
        let Some(first) = line.entries.first() else { return };
        let head = (*first, Arc::clone(way));
        match &line.post {
            None if add => {
                self.ready.insert(head);
            }
            None => {
                self.ready.remove(&head);
            }
            Some(post) if add => {
                self.parked.entry(post.clone()).or_default().insert(head);
            }
            Some(post) => {
                if let Some(heads) = self.parked.get_mut(post) {
                    heads.remove(&head);
                    if heads.is_empty() {
                        self.parked.remove(post);
                    }
                }
            }
        }
    }
}
