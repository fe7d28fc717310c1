//! Every guest that uses a capability, against the real thing. One module for each; a guest without one does not build.

mod granted;
mod site;
mod uses_fs;
mod uses_http;
mod uses_telemetry;

macro_rules! has_a_module {
    ($guest:ident) => {
        #[expect(unused_imports, reason = "only its existence matters")]
        use self::$guest as _;
    };
}
guests::for_each_user!(has_a_module);
