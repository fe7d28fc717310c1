//! Waiting inside a body: whatever its futures wait for is collected here and waited for at once.

#[cfg(target_family = "wasm")]
pub(crate) use self::guest::{ready, wait};

/// There is nothing to wait for without a host.
#[cfg(not(target_family = "wasm"))]
pub(crate) fn wait() -> bool {
    false
}

#[cfg(target_family = "wasm")]
mod guest {
    use std::cell::RefCell;
    use std::pin::Pin;
    use std::rc::Rc;
    use std::task::{Context, Poll, Waker};

    use wasip2::io::poll::{Pollable, poll};

    thread_local! {
        static WAITING: RefCell<Vec<(Rc<Pollable>, Waker)>> = const { RefCell::new(Vec::new()) };
    }

    /// Waits until one of the things waited for happens; false if there are none.
    pub(crate) fn wait() -> bool {
        let waiting = WAITING.take();
        if waiting.is_empty() {
            return false;
        }
        let pollables: Vec<_> = waiting.iter().map(|(pollable, _)| &**pollable).collect();
        let happened = poll(&pollables);
        let mut rest = Vec::with_capacity(waiting.len());
        for (at, (pollable, waker)) in waiting.into_iter().enumerate() {
            if happened.iter().any(|index| *index as usize == at) {
                waker.wake();
            } else {
                rest.push((pollable, waker));
            }
        }
        WAITING.set(rest);
        true
    }

    /// Ends when the host says that this is ready.
    pub(crate) fn ready(pollable: Pollable) -> Ready {
        Ready(Rc::new(pollable))
    }

    pub(crate) struct Ready(Rc<Pollable>);

    impl Future for Ready {
        type Output = ();

        fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
            if self.0.ready() {
                return Poll::Ready(());
            }
            self.forget();
            let entry = (Rc::clone(&self.0), context.waker().clone());
            WAITING.with_borrow_mut(|waiting| waiting.push(entry));
            Poll::Pending
        }
    }

    impl Ready {
        fn forget(&self) {
            WAITING.with_borrow_mut(|waiting| {
                waiting.retain(|(pollable, _)| !Rc::ptr_eq(pollable, &self.0));
            });
        }
    }

    // What a pollable belongs to may be closed next, and the host wants the pollable gone first.
    impl Drop for Ready {
        fn drop(&mut self) {
            self.forget();
        }
    }
}
