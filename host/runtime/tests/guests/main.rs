//! Every guest of `functions/testing` against the real runtime. One module for each; a guest without one does not
//! build.

mod began;
mod bench;
mod blocking;
mod call;
mod changed;
mod checkpoints;
mod clonable;
#[path = "../../../tests/support/clone.rs"]
mod clone;
mod conformance;
mod foreign;
mod hostile;
mod import_files;
mod manifest_faults;
mod newer;
mod replay;
mod stage;
mod start_trap;
mod steps;
mod surface;
mod two_homes;
mod versioned;

// One table has all of them.
use self::versioned as versioned_alias;
use self::versioned as versioned_appended;
use self::versioned as versioned_bug;
use self::versioned as versioned_flaky;
use self::versioned as versioned_inserted;
use self::versioned as versioned_removed;
use self::versioned as versioned_renamed;
use self::versioned as versioned_retyped;
use self::versioned as versioned_swapped;
use self::versioned as versioned_trap;

macro_rules! has_a_module {
    ($guest:ident) => {
        #[expect(unused_imports, reason = "only its existence matters")]
        use self::$guest as _;
    };
}
guests::for_each_guest!(has_a_module);
