//! Checkpoints: the request that stores steps of a call while the call goes on.

use jiff::Timestamp;
use serde::Serialize;

use crate::call::Dispatch;
use crate::id::RunId;
use crate::op::Op;

/// The body of one checkpoint, which goes to [`Checkpoint::path`] as JSON. Storing the same step twice does no harm.
///
/// ```
/// use jiff::Timestamp;
/// use protocol::call::Dispatch;
/// use protocol::checkpoint::Checkpoint;
///
/// let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().unwrap();
/// let began = Timestamp::from_millisecond(1_795_347_640_545).unwrap();
/// let dispatch = Dispatch::default();
/// let checkpoint = Checkpoint::new(run, &dispatch, began, began, &[]);
/// assert_eq!(checkpoint.path(), "v1/checkpoint/01M81GXW71CEV7JQT6T4T8NAKZ/async");
/// ```
#[derive(Debug, Clone, Serialize)]
pub struct Checkpoint<'c> {
    run_id: RunId,
    fn_id: &'c str,
    qi_id: &'c str,
    #[serde(skip_serializing_if = "Option::is_none")]
    request_id: Option<&'c str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation_id: Option<i64>,
    request_started_at: i64,
    ts: i64,
    steps: &'c [Op],
}

impl<'c> Checkpoint<'c> {
    /// Steps of a call that began then, to be stored now, in the order in which they ran.
    pub fn new(
        run: RunId,
        dispatch: &'c Dispatch,
        began: Timestamp,
        now: Timestamp,
        steps: &'c [Op],
    ) -> Self {
        Self {
            run_id: run,
            // Without these two no call is stored before it ends.
            fn_id: dispatch.fn_id.as_deref().unwrap_or_default(),
            qi_id: dispatch.qi_id.as_deref().unwrap_or_default(),
            request_id: dispatch.request_id.as_deref(),
            generation_id: dispatch.generation_id,
            request_started_at: began.as_millisecond(),
            ts: now.as_millisecond(),
            steps,
        }
    }

    /// Where on the server's API it is posted to; relative, without a slash in front.
    pub fn path(&self) -> String {
        format!("v1/checkpoint/{}/async", self.run_id)
    }
}
