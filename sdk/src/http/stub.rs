//! The world outside in tests: a closure.

use std::cell::RefCell;
use std::rc::Rc;

use crate::http::url::{FORM, Target};
use crate::http::{HttpError, HttpErrorKind, Request, Response};

pub(crate) type Stub = Rc<dyn Fn(&Request) -> Result<Response, HttpError>>;

thread_local! {
    static STUB: RefCell<Option<Stub>> = const { RefCell::new(None) };
}

/// Sets what answers requests of this thread, and returns what did.
pub(crate) fn install(stub: Option<Stub>) -> Option<Stub> {
    STUB.replace(stub)
}

pub(super) async fn send(request: &Request) -> Result<Response, HttpError> {
    let Some(stub) = STUB.with_borrow(Clone::clone) else {
        let detail = "this test answers no requests: give its harness `.http(..)`";
        return Err(request.error(HttpErrorKind::Request, detail));
    };
    if Target::of(request.url()).is_none() {
        return Err(request.error(HttpErrorKind::Request, FORM));
    }
    stub(request).map(|response| response.answered_by(request.url()))
}
