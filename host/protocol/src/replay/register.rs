//! Steps as they are found and dropped.

use std::cmp::Reverse;

use super::kind::Kind;
use super::{Found, MAX_STEPS, Misfit, Replay, ReplayError, options, stored};
use crate::id::StepId;
use crate::memo::{Located, Memo};
use crate::step::hash_of;

#[derive(Debug)]
pub(super) struct Slot {
    pub(super) id: StepId,
    pub(super) kind: Kind,
    pub(super) dropped: bool,
    /// Its stored end, if it has one.
    pub(super) memo: Option<Located>,
    /// Present while the step has no memo: what is needed to report it.
    pub(super) report: Option<Box<Report>>,
    /// Its name, for what a proof says of it; none without one.
    pub(super) shown: Option<Box<str>>,
}

#[derive(Debug)]
pub(super) struct Report {
    pub(super) name: String,
    pub(super) index: u32,
    pub(super) options: String,
}

impl Replay {
    pub(super) fn register(&mut self, found: Found<'_>) -> Result<(), ReplayError> {
        if let Some(running) = self.running {
            return Err(ReplayError::Nested {
                outer: self.name_of(running),
                inner: found.name.to_owned(),
            });
        }
        if self.steps.len() >= MAX_STEPS {
            return Err(ReplayError::TooManySteps);
        }
        let kind = Kind::parse(found.kind)
            .map_err(|error| ReplayError::Kind { name: found.name.to_owned(), error })?;
        let ordinal = u32::try_from(self.steps.len()).map_err(|_| ReplayError::TooManySteps)?;
        let alias = options::alias(found.options)
            .map_err(|error| ReplayError::Kind { name: found.name.to_owned(), error })?;
        let (id, index) = self.names.identify(found.name);
        if self.aliases.contains(&id) {
            return Err(ReplayError::Alias(found.name.to_owned()));
        }
        let (id, name) = match &alias {
            Some(alias) => self.former(id, found.name, alias, index)?,
            None => (id, found.name),
        };
        let memos = &self.call.memos;
        let stored = memos.locate(&id, kind.shape());
        let stored = stored.filter(|(memo, _)| !matches!(memos.read(memo), Memo::Input(_)));
        // Only a proof speaks of steps that have ended.
        let mut shown = None;
        if self.proof.is_open() {
            self.proof.asks(id);
            shown = Some(Box::from(found.name));
            if let Some(why) = memos.text_of(&id).and_then(|text| stored::contradicts(kind, text)) {
                self.proof.fails(Misfit::type_changed(found.name.to_owned(), why));
            }
        }
        let (memo, report) = if let Some((memo, rank)) = stored {
            self.waiting.push(Reverse((rank, ordinal)));
            (Some(memo), None)
        } else {
            self.fresh.push(ordinal);
            let (name, options) = (name.to_owned(), found.options.to_owned());
            (None, Some(Box::new(Report { name, index, options })))
        };
        self.steps.push(Slot { id, kind, dropped: false, memo, report, shown });
        Ok(())
    }

    /// Under which of its names a step with an alias is known in this run: the new one, unless only the former one is
    /// stored or asked for. The n-th repeat of a name was the n-th repeat of its alias.
    fn former<'n>(
        &mut self,
        id: StepId,
        name: &'n str,
        alias: &'n str,
        index: u32,
    ) -> Result<(StepId, &'n str), ReplayError> {
        let former = hash_of(alias, index);
        if former == id {
            return Ok((id, name));
        }
        if self.names.has(&former) || !self.aliases.insert(former) {
            return Err(ReplayError::Alias(alias.to_owned()));
        }
        let known = |id: &StepId| {
            self.call.memos.text_of(id).is_some() || self.call.route.target == Some(*id)
        };
        Ok(if !known(&id) && known(&former) { (former, alias) } else { (id, name) })
    }

    pub(super) fn drop_step(&mut self, ordinal: u32) -> Result<(), ReplayError> {
        let slot =
            self.steps.get_mut(ordinal as usize).ok_or(ReplayError::UnknownOrdinal(ordinal))?;
        slot.dropped = true;
        if slot.report.is_some() {
            self.fresh.retain(|&fresh| fresh != ordinal);
        }
        Ok(())
    }
}
