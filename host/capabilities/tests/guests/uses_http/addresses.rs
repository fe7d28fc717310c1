//! Addresses that no component gets to see, however it names them.

use std::time::Duration;

use super::*;

/// Any server, but for private addresses.
const ANYWHERE: &str = "{ to = 'http://*:*', within = '2s' }";

/// Any server, private addresses too.
const PRIVATE: &str = "{ to = 'http://*:*', within = '2s', private = true }";

#[tokio::test]
async fn this_machine_is_not_reached_by_any_spelling_of_it() {
    let server = Server::start().await;
    let site = site(ANYWHERE).await;
    let port = server.address.port();
    let spellings = [
        "127.0.0.1",
        "localhost",
        "LOCALHOST",
        "localhost.",
        "anything.test",
        "2130706433",
        "0x7f000001",
        "0x7f.1",
        "0177.0.0.1",
        "017700000001",
        "127.1",
        "0.0.0.0",
        "0",
        "[::1]",
        "[::]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
    ];
    for host in spellings {
        let said = site.run("error", get(format!("http://{host}:{port}/"))).await;
        assert_eq!(said, "done \"Denied\"", "{host}");
    }
    let all = u64::try_from(spellings.len()).expect("few");
    assert_eq!(used(&site), Used { calls: all, denied: all });
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn metadata_is_not_reached_even_where_private_addresses_are_granted() {
    let metadata = "169.254.169.254";
    let names: &[&str] = &[metadata, "fd00:ec2::254", "::ffff:169.254.169.254"];
    let site = resolving(PRIVATE, Arc::new(Names::in_turn(&[names]))).await;
    for host in [
        metadata,
        "2852039166",
        "0xa9fea9fe",
        "[::ffff:169.254.169.254]",
        "[fd00:ec2::254]",
        "[64:ff9b::169.254.169.254]",
        "metadata.test",
    ] {
        let said = site.run("error", get(format!("http://{host}/latest/meta-data/"))).await;
        assert_eq!(said, "done \"Denied\"", "{host}");
    }
}

#[tokio::test]
async fn a_user_in_a_url_does_not_hide_its_host() {
    let server = Server::start().await;
    let site = site("{ to = 'http://granted.test:*', private = true }").await;
    let url = format!("http://granted.test@{}/", server.address);
    assert_eq!(site.run("error", get(url)).await, "done \"Request\"");
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_name_that_changes_its_address_gains_nothing() {
    let server = Server::start().await;
    // One that nobody has, so that its look-up is fine and its connection is none; then this machine.
    let names = Arc::new(Names::in_turn(&[&["2d00::1"], &["127.0.0.1"]]));
    let site = resolving(ANYWHERE, Arc::clone(&names) as Arc<dyn Resolver>).await;
    let url = format!("http://rebinding.test:{}/", server.address.port());
    let first = site.run("error", get(&url)).await;
    assert!(["done \"Refused\"", "done \"Timeout\""].contains(&&*first), "{first}");
    assert_eq!(names.asked(), 1, "what was judged is what was connected to");
    assert_eq!(site.run("error", get(&url)).await, "done \"Denied\"");
    assert_eq!((names.asked(), server.connections()), (2, 0));
}

#[tokio::test]
async fn of_several_addresses_only_open_ones_are_tried() {
    let server = Server::start().await;
    let names = Names::in_turn(&[&["169.254.169.254", "127.0.0.1"]]);
    let site = resolving(PRIVATE, Arc::new(names)).await;
    let url = format!("http://both.test:{}/", server.address.port());
    assert_eq!(site.run("send", get(url)).await, "done \"200 2 ok\"");
    assert_eq!(
        server.requests()[0].header("host"),
        Some(&*format!("both.test:{}", server.address.port()))
    );
}

#[tokio::test]
async fn each_hop_of_a_redirect_is_a_request_of_its_own() {
    let server = Server::start().await;
    let grant = format!("{}, {{ to = 'http://169.254.169.254', private = true }}", whole(&server));
    let site = site(&grant).await;
    server.redirect(&server.url("/arrived"));
    let said = site.run("follow", get(server.url("/redirect"))).await;
    assert_eq!(said, "done \"200 2 ok\"");
    let before = server.requests().len();
    for to in ["http://169.254.169.254/latest/meta-data/", "http://localhost:1/", "http://[::1]/"] {
        server.redirect(to);
        let said = site.run("follow", get(server.url("/redirect"))).await;
        assert!(said.contains(&format!("the host denied the request to {to}")), "{said}");
    }
    assert_eq!(server.requests().len(), before + 3, "the host itself follows none");
    assert_eq!(used(&site), Used { calls: 8, denied: 3 });
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_an_error_in_time() {
    struct Broken;
    #[async_trait]
    impl Resolver for Broken {
        async fn resolve(&self, name: &str) -> io::Result<Vec<IpAddr>> {
            match name {
                "nothing.test" => Ok(Vec::new()),
                "broken.test" => Err(io::Error::other("no server answers")),
                _ => {
                    tokio::time::sleep(Duration::from_hours(1)).await;
                    Ok(Vec::new())
                }
            }
        }
    }
    let site = resolving("{ to = 'http://*', within = '300ms' }", Arc::new(Broken)).await;
    for (name, expected) in [("nothing", "Dns"), ("broken", "Dns"), ("hanging", "Dns")] {
        let said = site.run("error", get(format!("http://{name}.test/"))).await;
        assert_eq!(said, format!("done \"{expected}\""), "{name}");
    }
    assert_eq!(used(&site), Used { calls: 3, denied: 0 });
}

#[tokio::test]
async fn an_open_connection_is_used_while_no_name_can_be_looked_up() {
    /// Answers once, and never again.
    struct Once(AtomicUsize);
    #[async_trait]
    impl Resolver for Once {
        async fn resolve(&self, _: &str) -> io::Result<Vec<IpAddr>> {
            match self.0.fetch_add(1, Ordering::SeqCst) {
                0 => Ok(vec![IpAddr::from([127, 0, 0, 1])]),
                _ => Err(io::Error::other("no server answers")),
            }
        }
    }
    let server = Server::start().await;
    let site = resolving(PRIVATE, Arc::new(Once(AtomicUsize::new(0)))).await;
    let at = |path: &str| get(format!("http://pooled.test:{}{path}", server.address.port()));
    for _ in 0..3 {
        assert_eq!(site.run("error", at("/")).await, "done \"200 2 ok\"");
    }
    // The server leaves: now the name has to be looked up.
    assert_eq!(site.run("error", at("/leave")).await, "done \"200 2 ok\"");
    server.until_all_are_closed().await;
    assert_eq!(site.run("error", at("/")).await, "done \"Dns\"");
    assert_eq!((server.connections(), server.requests().len()), (1, 4));
}
