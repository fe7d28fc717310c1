//! The fields of an event as values, so that a condition names only what is there.

use std::borrow::Cow;
use std::fmt::{self, Debug};
use std::marker::PhantomData;

use serde::Serialize;

use crate::cel::{self, Unwritable};
use crate::event::Event;

/// An event whose fields are known to the compiler: what `#[derive(Event)]` makes of a struct.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[event("shop/order.paid")]
/// #[serde(rename_all = "camelCase")]
/// struct OrderPaid { order_id: String }
///
/// assert_eq!(OrderPaid::FIELDS.order_id.selector(), ".data.orderId");
/// ```
pub trait Shape: Event {
    /// One member for each field of the event, with the same name.
    type Fields;

    /// The fields.
    const FIELDS: Self::Fields;
}

/// A field of the event `E` that holds a `T`.
pub struct Field<E, T> {
    selector: &'static str,
    of: PhantomData<fn() -> (E, T)>,
}

impl<E, T> Field<E, T> {
    /// For the derive macro.
    #[doc(hidden)]
    pub const fn new(selector: &'static str) -> Self {
        Self { selector, of: PhantomData }
    }

    /// How CEL selects it in an event: `.data.order_id`.
    pub const fn selector(&self) -> &'static str {
        self.selector
    }
}

impl<E, T> Clone for Field<E, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E, T> Copy for Field<E, T> {}

impl<E, T> Debug for Field<E, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Field").field(&self.selector).finish()
    }
}

/// A place in the event `E`: a [`Field`] of it, or a path such as `"data.address.city"`.
#[diagnostic::on_unimplemented(
    message = "this is no place in the event `{E}`",
    label = "a field of `{E}` or a path such as `\"data.address.city\"` is expected here"
)]
pub trait Place<E> {
    /// How CEL selects it.
    fn selector(self) -> Result<Cow<'static, str>, Unwritable>;
}

#[diagnostic::do_not_recommend]
impl<E, T> Place<E> for Field<E, T> {
    fn selector(self) -> Result<Cow<'static, str>, Unwritable> {
        Ok(Cow::Borrowed(self.selector))
    }
}

impl<E> Place<E> for &str {
    fn selector(self) -> Result<Cow<'static, str>, Unwritable> {
        cel::selector(self).map(Cow::Owned)
    }
}

/// A place in the event `E` that can hold a `V`: a [`Field`] whose type compares with it, or any
/// path.
#[diagnostic::on_unimplemented(
    message = "this place in the event `{E}` cannot hold a `{V}`",
    label = "compared with a `{V}`"
)]
pub trait Holds<E, V: ?Sized>: Place<E> {}

#[diagnostic::do_not_recommend]
impl<E, T: PartialEq<V>, V: Serialize + ?Sized> Holds<E, V> for Field<E, T> {}
impl<E, V: Serialize + ?Sized> Holds<E, V> for &str {}
