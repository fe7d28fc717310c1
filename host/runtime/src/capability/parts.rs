//! What providers keep for one call.

use std::any::{Any, TypeId};

/// One value of each type. Few calls have more than two, so they are looked through.
#[derive(Default)]
pub(crate) struct Parts(Vec<(TypeId, Box<dyn Any + Send>)>);

impl Parts {
    /// The value of this type, made now if there is none.
    pub(crate) fn get_or_insert_with<T: Send + 'static>(
        &mut self,
        make: impl FnOnce() -> T,
    ) -> &mut T {
        let id = TypeId::of::<T>();
        let at = self.0.iter().position(|(own, _)| *own == id).unwrap_or_else(|| {
            self.0.push((id, Box::new(make())));
            self.0.len() - 1
        });
        self.0[at].1.downcast_mut().expect("it was put there under its own type")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_type_has_one_value_that_stays() {
        let mut parts = Parts::default();
        *parts.get_or_insert_with(|| 1_u32) += 1;
        assert_eq!(*parts.get_or_insert_with(|| "text"), "text");
        assert_eq!(*parts.get_or_insert_with(|| 7_u32), 2);
        assert_eq!(*parts.get_or_insert_with(|| "other"), "text");
    }
}
