//! Steps of which the first one counts.

use std::pin::{Pin, pin};

use futures::future::{self, Either};

use crate::replay::Replay;

/// Ends with the first of two, and drops the other one before it returns.
pub(crate) async fn two<A: Future, B: Future>(
    replay: &Replay,
    a: A,
    b: B,
) -> Either<A::Output, B::Output> {
    replay.enter_race();
    match future::select(pin!(a), pin!(b)).await {
        Either::Left((end, _)) => Either::Left(end),
        Either::Right((end, _)) => Either::Right(end),
    }
}

/// Ends with the first of any number and its place among them, and drops the others.
pub(crate) async fn all<F: Future>(
    replay: &Replay,
    contestants: impl IntoIterator<Item = F>,
) -> Option<(usize, F::Output)> {
    let contestants: Vec<Pin<Box<F>>> = contestants.into_iter().map(Box::pin).collect();
    if contestants.is_empty() {
        return None;
    }
    replay.enter_race();
    let (end, place, _) = future::select_all(contestants).await;
    Some((place, end))
}
