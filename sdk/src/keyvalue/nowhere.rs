//! Where buckets are in a native build: nowhere. None can be opened, so nothing can be asked of one.

use super::Answer;
use crate::refusal::Refused;

pub(super) enum Bucket {}

pub(super) enum Cas {}

impl Bucket {
    pub(super) fn open(_: &str) -> Answer<Self> {
        Err(Refused::without_host("values by key"))
    }
}

macro_rules! nowhere {
    ($($name:ident($($kind:ty),*) -> $answer:ty;)*) => {
        impl Bucket {
            $(pub(super) fn $name(&self $(, _: $kind)*) -> Answer<$answer> {
                match *self {}
            })*
        }
    };
}

nowhere! {
    get(&str) -> Option<Vec<u8>>;
    set(&str, &[u8]) -> ();
    delete(&str) -> ();
    exists(&str) -> bool;
    list_keys(Option<&str>) -> (Vec<String>, Option<String>);
    increment(&str, i64) -> i64;
    watch(&str) -> Cas;
    get_many(&[String]) -> Vec<(String, Option<Vec<u8>>)>;
    set_many(&[(String, Vec<u8>)]) -> ();
    delete_many(&[String]) -> ();
}

impl Cas {
    pub(super) fn current(&self) -> Answer<Option<Vec<u8>>> {
        match *self {}
    }

    pub(super) fn swap(self, _: &[u8]) -> Answer<Option<Self>> {
        match self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::refusal::Reason;

    #[test]
    fn a_native_build_says_that_it_has_no_values() {
        let refused = Bucket::open("carts").err().expect("there is no host");
        assert_eq!(refused.reason(), Reason::Unavailable);
        assert!(refused.message().contains("no values by key"), "{refused}");
    }
}
