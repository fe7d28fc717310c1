use super::*;
use crate::redis::Grant;

fn allowed() -> Allowed {
    let grant = Grant { prefix: None, value: None, total: None, read_only: false };
    Allowed::new(&grant, "shop")
}

/// The words of what is sent, with `|` between them.
fn sent(request: Answer<Request>) -> String {
    let words: Vec<Vec<u8>> = match request {
        Ok(Request::Plain(command)) => {
            let mut words = Vec::new();
            for word in command.args_iter() {
                if let redis::Arg::Simple(word) = word {
                    words.push(word.to_vec());
                }
            }
            words
        }
        Ok(Request::Bounded { key, arguments }) => {
            key.map(String::into_bytes).into_iter().chain(arguments).collect()
        }
        Ok(Request::Transact { keys, arguments }) => {
            keys.into_iter().map(String::into_bytes).chain(arguments).collect()
        }
        Err(refusal) => return format!("{:?}", refusal.reason),
    };
    let words: Vec<_> = words.iter().map(|word| String::from_utf8_lossy(word)).collect();
    words.join("|")
}

#[test]
fn every_key_and_channel_has_the_prefix() {
    let own = &allowed();
    let value = || b"v".to_vec();
    for (request, expected) in [
        (Request::plain(own, "EXISTS", "k", NOTHING), "EXISTS|shop:k"),
        (Request::keys(own, "DEL", &["a".into(), "b".into()]), "DEL|shop:a|shop:b"),
        (Request::set(own, "k", b"v", None, Condition::Always), "SET|shop:k|v"),
        (Request::set(own, "k", b"v", Some(5), Condition::IfAbsent), "SET|shop:k|v|PX|5|NX"),
        (Request::set(own, "k", b"v", None, Condition::IfPresent), "SET|shop:k|v|XX"),
        (Request::expire(own, "k", 9), "PEXPIRE|shop:k|9"),
        (Request::hash_set(own, "k", &[("f".into(), value())]), "HSET|shop:k|f|v"),
        (Request::values(own, "LPUSH", "k", &[value(), value()]), "LPUSH|shop:k|v|v"),
        (
            Request::sorted_add(own, "k", &[Scored { member: value(), score: 1.5 }]),
            "ZADD|shop:k|1.5|v",
        ),
        (Request::publish(own, "c", b"m"), "PUBLISH|shop:c|m"),
        (Request::bounded(own, "GET", "k", vec![]), "shop:k|1048576|8388608|GET"),
        (
            Request::sorted_range(own, "k", f64::NEG_INFINITY, 2.0, 7),
            "shop:k|1048576|8388608|ZRANGEBYSCORE|-inf|2|WITHSCORES|LIMIT|0|7",
        ),
        (Request::scan(own, "*", 3), "1048576|8388608|SCAN|3|MATCH|shop:*|COUNT|1000"),
        (
            Request::transact(
                own,
                &[("a".into(), Some(value())), ("b".into(), None)],
                &[
                    Command::Delete("a".into()),
                    Command::Set(("b".into(), value(), Some(5))),
                    Command::Publish(("c".into(), value())),
                ],
            ),
            "shop:a|shop:b|shop:a|shop:b|shop:c|2|1|v|0|DEL|0|SET|3|v|PX|5|PUBLISH|1|v",
        ),
    ] {
        assert_eq!(sent(request), expected);
    }
}

#[test]
fn what_cannot_be_asked_is_refused() {
    let own = &allowed();
    for (request, expected) in [
        (Request::keys(own, "DEL", &[]), "Reason::Invalid"),
        (Request::values(own, "SADD", "k", &[]), "Reason::Invalid"),
        (Request::transact(own, &[], &[]), "Reason::Invalid"),
        (Request::expire(own, "k", 0), "Reason::Invalid"),
        (Request::expire(own, "k", u64::MAX), "Reason::Invalid"),
        (Request::set(own, "k", b"v", Some(0), Condition::Always), "Reason::Invalid"),
        (Request::sorted_range(own, "k", f64::NAN, 1.0, 1), "Reason::Invalid"),
        (Request::publish(own, "c", &vec![0; (1 << 20) + 1]), "Reason::Exhausted"),
    ] {
        assert_eq!(sent(request), expected);
    }
}
