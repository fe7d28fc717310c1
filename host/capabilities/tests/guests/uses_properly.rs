//! A component that uses several capabilities in one step, with all providers of one file of grants.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};

use runtime::Limits;
use runtime::placement::Capability;
use serde_json::json;

use crate::redis_server::RedisServer;
use crate::site::Site;
use crate::uses_everything::whole;

/// A server that answers one request, and ends.
fn serving() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a connection");
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).expect("a request") > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").expect("answered");
    });
    address
}

#[tokio::test(flavor = "multi_thread")]
async fn all_capabilities_of_one_file_of_grants_work_side_by_side() {
    let (redis, server) = (RedisServer::start(), serving());
    let folder = tempfile::tempdir().expect("a folder");
    fs::create_dir(folder.path().join("own")).expect("made");
    fs::write(folder.path().join("key"), "longer than six bytes").expect("written");
    let (at, to) = (folder.path().display(), format!("http://{server}"));
    let text = format!(
        "roots.own.path = '{at}/own'\n\
         programs.echo.path = '/bin/echo'\n\
         secrets.key.file = '{at}/key'\n\
         redis.url = '{}'\n\
         [components.uses-properly]\n\
         fs = [{{ root = 'own', access = 'read-write' }}]\n\
         shell = [{{ program = 'echo', arguments = ['*'] }}]\n\
         http = [{{ to = '{to}', private = true }}]\n\
         secrets = [{{ name = 'key', to = ['{to}'] }}]\n\
         redis = {{}}\n\
         keyvalue = {{ buckets = ['own'] }}",
        redis.url(),
    );
    let site: Site = whole(Limits::default(), guests::USES_PROPERLY, &text, folder.path()).await;
    let said = site.run("keeps-its-own", json!({ "text": "mine", "to": format!("{to}/") })).await;
    assert_eq!(said, r#"done ["mine","mine","mine","mine","200"]"#);
    let usage = site.runtime.usage();
    let used = &usage["uses-properly"];
    for capability in [
        Capability::Fs,
        Capability::Shell,
        Capability::Http,
        Capability::Secrets,
        Capability::Redis,
        Capability::Keyvalue,
    ] {
        let used = used.of(capability);
        assert!(used.calls > 0 && used.denied == 0, "{capability}: {used:?}");
    }
    assert_eq!(redis.keys(), ["uses-properly:kept-mine"]);
}
