//! What calls have around them in these tests, in place of a worker.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use protocol::directory::Directory;
use protocol::op::{ErrorObject, Op, Retry};
use protocol::replay::{Message, Sending};
use runtime::{Backstage, Stored};
use serde_json::value::RawValue;

/// Answers as the test wants, and writes down what it was asked. Clones share what they wrote.
#[derive(Clone, Default)]
pub(crate) struct Stage {
    /// What each stored step is answered with; the last one repeats. Empty: nothing is stored.
    pub(crate) stores: Arc<Mutex<Vec<Stored>>>,
    pub(crate) said: Arc<Mutex<Vec<String>>>,
    pub(crate) steps_left: Option<Arc<Mutex<u32>>>,
}

impl Stage {
    /// Stores steps, with these answers.
    pub(crate) fn storing(answers: &[Stored]) -> Self {
        let answers = answers.iter().rev().copied().collect();
        Self { stores: Arc::new(Mutex::new(answers)), ..Self::default() }
    }

    /// What it was asked, in words.
    pub(crate) fn said(&self) -> Vec<String> {
        self.said.lock().expect("no panic").clone()
    }

    fn say(&self, words: String) {
        self.said.lock().expect("no panic").push(words);
    }
}

#[async_trait]
impl Backstage for Stage {
    fn directory(&self) -> Arc<Directory> {
        Arc::new(Directory::new("app".parse().expect("an id")))
    }

    async fn send(&self, sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        let names = match &sending.what {
            Message::Events(events) => {
                events.iter().map(|event| event.name.as_str()).collect::<Vec<_>>().join(", ")
            }
            Message::Signal { signal, data } => format!("{signal}={data}"),
        };
        self.say(format!("send {names} from {}", sending.step.name));
        if names.contains("refused") {
            return Err((ErrorObject::new("SendEventError", "the stage refuses"), Retry::Again));
        }
        Ok(RawValue::from_string(r#"{"ids":["sent"]}"#.to_owned()).expect("JSON"))
    }

    fn stores(&self) -> bool {
        !self.stores.lock().expect("no panic").is_empty()
    }

    async fn store(&self, step: Op) -> Stored {
        self.say(format!("store {}", step.step.name));
        let mut answers = self.stores.lock().expect("no panic");
        if answers.len() > 1 { answers.pop() } else { answers.last().copied() }
            .unwrap_or(Stored::No)
    }

    fn has_time(&self) -> bool {
        let Some(left) = &self.steps_left else { return true };
        let mut left = left.lock().expect("no panic");
        let has = *left > 0;
        *left = left.saturating_sub(1);
        has
    }
}
