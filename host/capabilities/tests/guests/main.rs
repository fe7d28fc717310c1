//! Every guest that uses a capability, against the real thing. One module for each; a guest without one does not build.

mod captured;
mod counted;
mod denied;
mod granted;
mod pages;
mod recorded;
mod redis_server;
mod site;
mod uses_config;
mod uses_everything;
mod uses_fs;
mod uses_gate;
mod uses_gateway;
mod uses_http;
mod uses_inference;
mod uses_keyvalue;
mod uses_outage;
mod uses_properly;
mod uses_redis;
mod uses_secrets;
mod uses_shell;
mod uses_telemetry;

macro_rules! has_a_module {
    ($guest:ident) => {
        #[expect(unused_imports, reason = "only its existence matters")]
        use self::$guest as _;
    };
}
guests::for_each_user!(has_a_module);
