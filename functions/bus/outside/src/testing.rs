//! The world of a test.

mod answers;
mod disk;
mod programs;
mod redis;

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use serde_json::Value;

pub(crate) use self::answers::{asked, noted, redis, token, told};
pub use self::disk::Root;
use self::programs::Ran;
pub(crate) use self::programs::run;
pub use self::programs::{ended, late, really, said};
pub use self::redis::Redis;
use crate::{Answer, Ask, Note, Program};

/// The world of a test: programs, files, Redis, people, records. Each thread has one.
#[derive(Debug)]
pub struct World(());

/// Something that people were told.
#[derive(Clone, Debug, PartialEq)]
pub struct Heard {
    /// Its type.
    pub kind: String,
    /// What was said.
    pub payload: Value,
    id: String,
}

/// What answers for programs.
type Runner = Rc<dyn Fn(&Program) -> Ran>;

/// What answers for a model.
type Model = Rc<dyn Fn(&Ask) -> Answer<Value>>;

#[derive(Default)]
struct State {
    model: Option<Model>,
    program: Option<Runner>,
    ran: Vec<Program>,
    disk: disk::Disk,
    redis: Redis,
    redis_down: bool,
    gateway_down: bool,
    missing: BTreeSet<String>,
    heard: Vec<Heard>,
    notes: Vec<Note>,
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<T>(then: impl FnOnce(&mut State) -> T) -> T {
    STATE.with_borrow_mut(then)
}

impl World {
    /// An empty world, in place of the one before.
    #[must_use]
    pub fn begin() -> Self {
        STATE.set(State::default());
        Self(())
    }

    /// Answers for programs.
    pub fn programs(&self, answer: impl Fn(&Program) -> Ran + 'static) -> &Self {
        with(|state| state.program = Some(Rc::new(answer)));
        self
    }

    /// Answers for a model; without it there is none.
    pub fn model(&self, answer: impl Fn(&Ask) -> Answer<Value> + 'static) -> &Self {
        with(|state| state.model = Some(Rc::new(answer)));
        self
    }

    /// The programs that were run, in that order.
    #[must_use]
    pub fn ran(&self) -> Vec<Program> {
        with(|state| state.ran.clone())
    }

    /// The same as lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.ran().iter().map(Program::line).collect()
    }

    /// Puts a file there.
    pub fn file(&self, root: &str, path: &str, content: &str) -> &Self {
        Self::put(root, path, content);
        self
    }

    /// The same from within what answers for a program.
    pub fn put(root: &str, path: &str, content: &str) {
        with(|state| state.disk.put(root, path, content));
    }

    /// The text of a file.
    #[must_use]
    pub fn content(&self, root: &str, path: &str) -> Option<String> {
        with(|state| state.disk.get(root, path))
    }

    /// Puts a file there that was last changed then, in milliseconds since 1970.
    pub fn file_of(&self, root: &str, path: &str, ms: i64) -> &Self {
        Self::put(root, path, "");
        with(|state| state.disk.changed_at(root, path, ms));
        self
    }

    /// Nobody may list the folders of this root from now on.
    pub fn close(&self, root: &str) -> &Self {
        with(|state| state.disk.close(root));
        self
    }

    /// Takes a file away.
    pub fn without(&self, root: &str, path: &str) -> &Self {
        with(|state| state.disk.take(root, path));
        self
    }

    /// Looks at what Redis holds, or changes it.
    pub fn redis<T>(&self, then: impl FnOnce(&mut Redis) -> T) -> T {
        with(|state| then(&mut state.redis))
    }

    /// Redis is away from now on.
    pub fn redis_down(&self) -> &Self {
        with(|state| state.redis_down = true);
        self
    }

    /// Files can be neither read nor written from now on.
    pub fn disk_down(&self) -> &Self {
        with(|state| state.disk.down = true);
        self
    }

    /// Nobody can be told anything from now on.
    pub fn gateway_down(&self) -> &Self {
        with(|state| state.gateway_down = true);
        self
    }

    /// A secret is not granted.
    pub fn no_secret(&self, name: &str) -> &Self {
        with(|state| state.missing.insert(name.to_owned()));
        self
    }

    /// What people were told; what a step told again under the same id, once.
    #[must_use]
    pub fn heard(&self) -> Vec<Heard> {
        with(|state| state.heard.clone())
    }

    /// The types of what people were told.
    #[must_use]
    pub fn kinds(&self) -> Vec<String> {
        self.heard().into_iter().map(|heard| heard.kind).collect()
    }

    /// What was recorded; the same thing once.
    #[must_use]
    pub fn notes(&self) -> Vec<Note> {
        with(|state| state.notes.clone())
    }

    /// The actions that were recorded, failures with an exclamation mark.
    #[must_use]
    pub fn actions(&self) -> Vec<String> {
        let shown = |note: Note| match note.error {
            Some(_) => format!("{}!", note.action),
            None => note.action,
        };
        self.notes().into_iter().map(shown).collect()
    }
}
