//! The suite, each part of it in each way.

/// Makes a module of tests of a part of the suite, one for each way.
macro_rules! in_every_way {
    ($part:ident) => {
        mod $part {
            in_every_way! {
                $part:
                serve_unsigned = SERVE_UNSIGNED,
                serve_unsigned_call_by_call = SERVE_UNSIGNED_CALL_BY_CALL,
                serve_signed = SERVE_SIGNED,
                serve_signed_call_by_call = SERVE_SIGNED_CALL_BY_CALL,
                connect = CONNECT,
                connect_call_by_call = CONNECT_CALL_BY_CALL,
            }
        }
    };
    ($part:ident: $($test:ident = $way:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $test() {
                let _turn = crate::turn().await;
                let way = crate::suite::way::$way;
                // None: the server under test runs in the other mode.
                if let Some(server) = crate::Server::start(way.mode) {
                    crate::suite::$part::$part(way, server).await;
                }
            }
        )+
    };
}

in_every_way!(steps);
in_every_way!(surface);
